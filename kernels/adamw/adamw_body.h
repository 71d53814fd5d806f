// The device body of adamw.h; adamw.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/adamw/adamw_scalars.h"
#include "kernels/device/packs.h"
#include "kernels/device/tensor_batch.h"

namespace dayrun::kernels {

/// A tensor with what the host has worked out for it.
struct AdamwDeviceTensor {
    AdamwTensor tensor;
    int64_t count;
    float keep;      // what weight decay leaves
    bool is_packed;  // all pointers are aligned for packs
};

struct AdamwBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = false;
    static constexpr int64_t kChunk = 4096;
    static constexpr int kMostTensors = 360;
    using Shared = Nothing;
    TensorBatch<AdamwDeviceTensor, kMostTensors, kChunk> batch;
    AdamwScalars scalars;
    const float* grad_scale;
    const int32_t* skip;

    int64_t block_count() const { return batch.chunk_count(); }

    DAYRUN_DEVICE void operator()(Block& block) const {
        if (skip != nullptr && *skip != 0) return;
        const float scale = grad_scale != nullptr ? *grad_scale : 1.0f;
        const auto chunk = batch.chunk(block.index());
        if (chunk.tensor.is_packed) {
            update<4>(block, chunk, scale);
        } else {
            update<1>(block, chunk, scale);
        }
    }

    template <int kPack>
    DAYRUN_DEVICE void update(const Block& block, const TensorChunk<AdamwDeviceTensor>& chunk,
                              float scale) const {
        const AdamwTensor& tensor = chunk.tensor.tensor;
        const int count = static_cast<int>(chunk.count);
        for (int i = block.thread() * kPack; i < count; i += kThreads * kPack) {
            const int64_t at = chunk.offset + i;
            const auto grad = load_pack<kPack>(tensor.grad + at, count - i);
            auto param = load_pack<kPack>(tensor.param + at, count - i);
            auto m = load_pack<kPack>(tensor.m + at, count - i);
            auto v = load_pack<kPack>(tensor.v + at, count - i);
            Pack<bfloat16, kPack> copy;
            DAYRUN_UNROLL
            for (int k = 0; k < kPack; ++k) {
                const float g = grad.at[k] * scale;
                m.at[k] = fmaf(g - m.at[k], scalars.one_minus_beta1, m.at[k]);
                v.at[k] = fmaf(g * g, scalars.one_minus_beta2, v.at[k] * scalars.beta2);
                const float denominator = sqrtf(v.at[k]) / scalars.root_correction2 + scalars.eps;
                param.at[k] =
                    param.at[k] * chunk.tensor.keep - (m.at[k] * scalars.step_size) / denominator;
                copy.at[k] = rounded<bfloat16>(param.at[k]);
            }
            store_pack(tensor.param + at, param, count - i);
            store_pack(tensor.m + at, m, count - i);
            store_pack(tensor.v + at, v, count - i);
            if (tensor.param_copy != nullptr) store_pack(tensor.param_copy + at, copy, count - i);
        }
    }
};

}  // namespace dayrun::kernels
