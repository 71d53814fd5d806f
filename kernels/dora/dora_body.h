// The device bodies of dora.h; dora.cu says what they move and why they are cut so.
#pragma once

#include "kernels/device/column_sums.h"
#include "kernels/device/row_tiles.h"
#include "kernels/dora/dora_strides.h"

namespace dayrun::kernels {

/// A warp has a row.
struct DoraNormsBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    using Shared = Nothing;
    DoraNorms p;
    bool is_packed;

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t row = block.index() * (kThreads / kWarp) + block.thread() / kWarp;
        if (row >= p.rows) return;
        const float* weight = p.weight + row * p.cols;
        const int lane = block.thread() % kWarp;
        const float sum = is_packed ? squares<4>(weight, lane) : squares<1>(weight, lane);
        const float norm = sqrtf(reduce_lanes(block, sum, Sum<float>()));
        if (lane != 0) return;
        p.norm[row] = norm;
        if (p.scale != nullptr) p.scale[row] = norm > 0.0f ? p.magnitude[row] / norm : 1.0f;
    }

    template <int kPack>
    DAYRUN_DEVICE float squares(const float* weight, int lane) const {
        const int cols = static_cast<int>(p.cols);
        float sum = 0.0f;
        for (int col = lane * kPack; col < cols; col += kWarp * kPack) {
            const auto values = load_pack<kPack>(weight + col, cols - col);
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) sum = fmaf(values.at[i], values.at[i], sum);
        }
        return sum;
    }
};

template <class T, int kPack>
struct DoraForwardBody : RowTilesBody<DoraForward, kPack> {
    using RowTilesBody<DoraForward, kPack>::p;  // strides filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        T* to = static_cast<T*>(p.out) + at.row * p.out_stride + at.col;
        Pack<T, kPack> out = load_pack<kPack>(to, at.count);
        const auto base = load_pack<kPack>(
            static_cast<const T*>(p.base) + at.row * p.base_stride + at.col, at.count);
        const auto lora = load_pack<kPack>(
            static_cast<const T*>(p.lora) + at.row * p.lora_stride + at.col, at.count);
        const auto scale = load_pack<kPack>(p.scale + at.col, at.count);
        Pack<T, kPack> bias = {};
        if (p.bias != nullptr) {
            bias = load_pack<kPack>(static_cast<const T*>(p.bias) + at.col, at.count);
        }
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float s = scale.at[i];
            float y = fmaf(s - 1.0f, to_float(base.at[i]), to_float(out.at[i]));
            y = fmaf(s, to_float(lora.at[i]), y);
            out.at[i] = rounded<T>(y + to_float(bias.at[i]));
        }
        store_pack(to, out, at.count);
    }
};

template <class T, int kPack>
struct DoraScaleBody : RowTilesBody<DoraScale, kPack> {
    using RowTilesBody<DoraScale, kPack>::p;  // strides filled in

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        const T* dy = static_cast<const T*>(p.dy) + at.row * p.dy_stride + at.col;
        Pack<T, kPack> values = load_pack<kPack>(dy, at.count);
        const auto scale = load_pack<kPack>(p.scale + at.col, at.count);
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            values.at[i] = rounded<T>(to_float(values.at[i]) * (scale.at[i] - p.minus));
        }
        store_pack(static_cast<T*>(p.out) + at.row * p.out_stride + at.col, values, at.count);
    }
};

/// The addends of dmagnitude, for ColumnSumsBody.
template <class T>
struct DoraMagnitudeGradient {
    DoraMagnitude p;  // strides filled in

    DAYRUN_DEVICE float add_to(float sum, int64_t row, int64_t col) const {
        const float dy = to_float(static_cast<const T*>(p.dy)[row * p.dy_stride + col]);
        const float base = to_float(static_cast<const T*>(p.base)[row * p.base_stride + col]);
        const float lora = to_float(static_cast<const T*>(p.lora)[row * p.lora_stride + col]);
        return fmaf(dy, base + lora, sum);
    }
    DAYRUN_DEVICE float finish(float total, int64_t col) const {
        return p.norm[col] > 0.0f ? total / p.norm[col] : 0.0f;
    }
};

}  // namespace dayrun::kernels
