// Sums down the columns of a [rows, cols] matrix, added to out, always in the same order and
// without a workspace: a block has 32 columns, its warp w the rows w, w + 8, ...; 64 rows at a time
// are summed in float32 (as the CPU versions do), and the eight warps' sums are added in order. A
// Source has add_to(sum, row, col): sum plus that element. Neighbours: rms_norm (dweight), bias.
// Device code, and emulated on the host.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/reduce.h"

namespace dayrun::kernels {

template <class Source>
struct ColumnSumsBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    static constexpr int kWarps = kThreads / kWarp;
    static constexpr int kRowsPerSum = 64;
    struct Shared {
        float sums[kWarps][kWarp];
    };
    Source source;
    float* out;
    int64_t rows;
    int64_t cols;

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int lane = block.thread() % kWarp;
        const int warp = block.thread() / kWarp;
        const int64_t col = block.index() * kWarp + lane;
        float total = 0.0f;
        if (col < cols) {
            for (int64_t begin = warp; begin < rows; begin += kRowsPerSum * kWarps) {
                total += sum_rows(begin, col);
            }
        }
        Shared& shared = block.shared<Shared>();
        shared.sums[warp][lane] = total;
        block.barrier();
        if (warp != 0 || col >= cols) return;
        DAYRUN_UNROLL
        for (int w = 1; w < kWarps; ++w) total += shared.sums[w][lane];
        out[col] += source.finish(total, col);
    }

    DAYRUN_DEVICE float sum_rows(int64_t begin, int64_t col) const {
        const int64_t limit = begin + kRowsPerSum * kWarps;
        const int64_t end = limit < rows ? limit : rows;
        float sum = 0.0f;
        for (int64_t row = begin; row < end; row += kWarps) sum = source.add_to(sum, row, col);
        return sum;
    }
};

template <class Source>
DeviceStatus launch_column_sums(const Source& source, float* out, int64_t rows, int64_t cols,
                                DeviceStream stream) {
    return launch(ColumnSumsBody<Source>{source, out, rows, cols}, pieces(cols, kWarp), stream);
}

}  // namespace dayrun::kernels
