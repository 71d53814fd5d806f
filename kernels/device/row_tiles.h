// The grid of an elementwise op on [rows, cols] with strides: a block does one tile of one row, a
// thread one pack of it. One division per block finds the place.
// Neighbour: packs.h. Device code, and emulated on the host.
#pragma once

#include "kernels/device/block.h"

namespace dayrun::kernels {

/// A thread's pack: `count` elements (none when <= 0) of row `row` from column `col` on.
struct PackPlace {
    int64_t row;
    int col;
    int count;
};

template <int kThreads, int kPack>
struct RowTiles {
    static constexpr int kTile = kThreads * kPack;
    int64_t rows;
    int cols;
    uint32_t tiles;  // per row

    static RowTiles of(int64_t rows, int64_t cols) {
        return {rows, static_cast<int>(cols), static_cast<uint32_t>((cols + kTile - 1) / kTile)};
    }
    int64_t block_count() const { return rows * tiles; }

    DAYRUN_DEVICE PackPlace place(const Block& block) const {
        const auto index = static_cast<uint32_t>(block.index());
        const uint32_t row = index / tiles;
        const int col = static_cast<int>(index - row * tiles) * kTile + block.thread() * kPack;
        return {row, col, cols - col};
    }
};

}  // namespace dayrun::kernels
