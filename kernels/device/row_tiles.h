// The grid of an elementwise op on [rows, cols] with strides: a block does one tile of one row, a
// thread one pack of it. One division per block finds the place.
// Neighbours: packs.h, launch.h. Device code, and emulated on the host.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"

namespace dayrun::kernels {

/// A thread's pack: `count` elements (none when <= 0) of row `row` from column `col` on.
struct PackPlace {
    int64_t row;
    int col;
    int count;
};

template <int kPack>
struct RowTiles {
    static constexpr int kThreads = 256;
    static constexpr int kTile = kThreads * kPack;
    int cols = 0;
    uint32_t tiles = 0;  // per row

    static RowTiles of(int64_t cols) {
        return {static_cast<int>(cols), static_cast<uint32_t>(pieces(cols, kTile))};
    }

    DAYRUN_DEVICE PackPlace place(const Block& block) const {
        const auto index = static_cast<uint32_t>(block.index());
        const uint32_t row = index / tiles;
        const int col = static_cast<int>(index - row * tiles) * kTile + block.thread() * kPack;
        return {row, col, cols - col};
    }
};

/// What the body of such an op has: its parameters and its tiles. No switch points.
template <class Params, int kPack>
struct RowTilesBody {
    static constexpr int kThreads = RowTiles<kPack>::kThreads;
    static constexpr bool kSwitches = false;
    using Shared = Nothing;
    Params p;
    RowTiles<kPack> tiles;
};

struct RowsAndCols {
    int64_t rows;
    int64_t cols;
};

template <class Body, class Params>
DeviceStatus launch_row_tiles(const Params& p, RowsAndCols shape, DeviceStream stream) {
    Body body;
    body.p = p;
    body.tiles = decltype(body.tiles)::of(shape.cols);
    return launch(body, shape.rows * body.tiles.tiles, stream);
}

/// Launches Body<T, kPack> with T of `dtype`: packs of 16 bytes when all operands are aligned for
/// them, else single elements.
template <template <class, int> class Body, class Params>
DeviceStatus launch_packed_rows(const Params& p, Dtype dtype, RowsAndCols shape,
                                std::initializer_list<PackedOperand> operands,
                                DeviceStream stream) {
    if (!is_row_length(shape.cols)) return kDeviceInvalidValue;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(dtype, [&](auto element) {
        using T = decltype(element);
        constexpr int kPack = pack_size<T>();
        status = packs_fit(kPack, operands) ? launch_row_tiles<Body<T, kPack>>(p, shape, stream)
                                            : launch_row_tiles<Body<T, 1>>(p, shape, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
