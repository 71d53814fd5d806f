// The device body of few_rows.h; few_rows.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"
#include "kernels/few_rows/few_rows.h"

namespace dayrun::kernels {

/// A warp has one column (a row of w) and up to kRows rows of x.
template <class T, int kPack, int kRows>
struct FewRowsBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    static constexpr int kWarps = kThreads / kWarp;
    static constexpr int kMostRows = kRows;
    using Shared = Nothing;
    FewRowsProduct p;  // strides filled in

    int64_t block_count() const { return pieces(p.cols, kWarps) * pieces(p.rows, kRows); }

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t col_blocks = pieces(p.cols, kWarps);
        const int64_t group = block.index() / col_blocks;
        const int64_t col = (block.index() - group * col_blocks) * kWarps + block.thread() / kWarp;
        if (col >= p.cols) return;
        const int lane = block.thread() % kWarp;
        const int64_t first_row = group * kRows;
        const int rows = p.rows - first_row < kRows ? static_cast<int>(p.rows - first_row) : kRows;
        const T* w = static_cast<const T*>(p.w) + col * p.w_stride;
        const T* x = static_cast<const T*>(p.x) + first_row * p.x_stride;
        const int inner = static_cast<int>(p.inner);
        float sums[kRows] = {};
        for (int at = lane * kPack; at < inner; at += kWarp * kPack) {
            const auto weight = load_pack<kPack>(w + at, inner - at);
            DAYRUN_UNROLL
            for (int row = 0; row < kRows; ++row) {
                if (row >= rows) break;
                const auto values = load_pack<kPack>(x + row * p.x_stride + at, inner - at);
                DAYRUN_UNROLL
                for (int i = 0; i < kPack; ++i) {
                    sums[row] = fmaf(to_float(values.at[i]), to_float(weight.at[i]), sums[row]);
                }
            }
        }
        DAYRUN_UNROLL
        for (int row = 0; row < kRows; ++row) {
            if (row >= rows) break;
            const float sum = reduce_lanes(block, sums[row], Sum<float>());
            if (lane == 0) store(first_row + row, col, sum);
        }
    }

    DAYRUN_DEVICE void store(int64_t row, int64_t col, float sum) const {
        T& out = static_cast<T*>(p.out)[row * p.out_stride + col];
        const float before = p.beta != 0.0f ? p.beta * to_float(out) : 0.0f;
        out = rounded<T>(fmaf(p.alpha, sum, before));
    }
};

}  // namespace dayrun::kernels
