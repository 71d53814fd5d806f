// The device body of adamw8bit.h; adamw8bit.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/adamw/adamw_scalars.h"
#include "kernels/adamw8bit/adamw8bit_states.h"
#include "kernels/device/code_search.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"
#include "kernels/device/tensor_batch.h"

namespace dayrun::kernels {

struct Adamw8bitDeviceTensor {
    Adamw8bitTensor tensor;
    int64_t count;
    float keep;      // what weight decay leaves
    bool is_packed;  // all pointers are aligned for packs
};

/// The step's numbers without what only the host has.
struct Adamw8bitDeviceScalars {
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float step_size;
    float eps;
};

/// A warp has a block of 256 states, a lane eight of them.
struct Adamw8bitBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    static constexpr int kRun = 8;
    static constexpr int64_t kChunk = 32 * kAdamw8bitBlockSize;
    static constexpr int kMostTensors = 280;
    struct Shared {
        CodeTable moment1;
        CodeTable moment2;
    };
    TensorBatch<Adamw8bitDeviceTensor, kMostTensors, kChunk> batch;
    CodeTable moment1;
    CodeTable moment2;
    Adamw8bitDeviceScalars s;
    const float* grad_scale;
    const int32_t* skip;

    using Floats = Pack<float, kRun>;
    using Codes = Pack<uint8_t, kRun>;

    int64_t block_count() const { return batch.chunk_count(); }

    DAYRUN_DEVICE void operator()(Block& block) const {
        if (skip != nullptr && *skip != 0) return;
        Shared& shared = block.shared<Shared>();
        shared.moment1.copy_entry(moment1, block.thread());
        shared.moment2.copy_entry(moment2, block.thread());
        block.barrier();
        const float scale = grad_scale != nullptr ? *grad_scale : 1.0f;
        const auto chunk = batch.chunk(block.index());
        constexpr int kWarps = kThreads / kWarp;
        const int64_t warp = block.thread() / kWarp;
        for (int64_t at = warp * kAdamw8bitBlockSize; at < chunk.count;
             at += kWarps * kAdamw8bitBlockSize) {
            const int64_t left = chunk.count - at;
            if (chunk.tensor.is_packed) {
                update<true>(block, chunk.tensor, chunk.offset + at, left, scale, shared);
            } else {
                update<false>(block, chunk.tensor, chunk.offset + at, left, scale, shared);
            }
        }
    }

    /// The block of states at `offset`; `left` elements of the tensor from there on.
    template <bool kIsPacked>
    DAYRUN_DEVICE void update(const Block& block, const Adamw8bitDeviceTensor& of, int64_t offset,
                              int64_t left, float scale, const Shared& shared) const {
        const Adamw8bitTensor& tensor = of.tensor;
        const int64_t block_index = offset / kAdamw8bitBlockSize;
        const int lane = block.thread() % kWarp;
        const int64_t at = offset + lane * kRun;
        const int64_t rest = left - lane * kRun;
        const int count = rest < 0 ? 0 : rest < kRun ? static_cast<int>(rest) : kRun;
        const auto grad = load<kIsPacked>(tensor.grad + at, count);
        auto param = load<kIsPacked>(tensor.param + at, count);
        const auto code1 = load<kIsPacked>(tensor.state1 + at, count);
        const auto code2 = load<kIsPacked>(tensor.state2 + at, count);
        const float old1 = tensor.absmax1[block_index], old2 = tensor.absmax2[block_index];
        Floats m, v;
        Pack<bfloat16, kRun> copy;
        float top1 = 0.0f, top2 = 0.0f;
        DAYRUN_UNROLL
        for (int i = 0; i < kRun; ++i) {
            const float g = grad.at[i] * scale;
            m.at[i] = shared.moment1.value[code1.at[i]] * old1 * s.beta1 + g * s.one_minus_beta1;
            v.at[i] =
                shared.moment2.value[code2.at[i]] * old2 * s.beta2 + g * g * s.one_minus_beta2;
            const float update = m.at[i] / (sqrtf(v.at[i]) + s.eps) * s.step_size;
            const bool is_finite = g * 0.0f == 0.0f;
            if (is_finite) param.at[i] = param.at[i] * of.keep - update;
            // Elements beyond the tensor's end do not count for the largest one.
            if (!is_finite || i >= count) m.at[i] = v.at[i] = 0.0f;
            copy.at[i] = rounded<bfloat16>(param.at[i]);
            top1 = fmaxf(top1, fabsf(m.at[i]));
            top2 = fmaxf(top2, v.at[i]);
        }
        const auto larger = [](float a, float b) { return fmaxf(a, b); };
        // Every lane has read the old ones by the time these shuffles are through.
        top1 = reduce_lanes(block, top1, larger);
        top2 = reduce_lanes(block, top2, larger);
        if (lane == 0) {
            tensor.absmax1[block_index] = top1;
            tensor.absmax2[block_index] = top2;
        }
        const float inverse1 = top1 > 0.0f ? 1.0f / top1 : 0.0f;
        const float inverse2 = top2 > 0.0f ? 1.0f / top2 : 0.0f;
        Codes new1, new2;
        DAYRUN_UNROLL
        for (int i = 0; i < kRun; ++i) {
            new1.at[i] = shared.moment1.nearest(m.at[i] * inverse1);
            new2.at[i] = shared.moment2.nearest(v.at[i] * inverse2);
        }
        store<kIsPacked>(tensor.param + at, param, count);
        store<kIsPacked>(tensor.state1 + at, new1, count);
        store<kIsPacked>(tensor.state2 + at, new2, count);
        if (tensor.param_copy != nullptr) store<kIsPacked>(tensor.param_copy + at, copy, count);
    }

    template <bool kIsPacked, class T>
    DAYRUN_DEVICE static Pack<T, kRun> load(const T* from, int count) {
        if (kIsPacked && count == kRun) return load_pack<kRun>(from);
        Pack<T, kRun> pack;
        DAYRUN_UNROLL
        for (int i = 0; i < kRun; ++i) pack.at[i] = i < count ? from[i] : T{};
        return pack;
    }
    template <bool kIsPacked, class T>
    DAYRUN_DEVICE static void store(T* to, const Pack<T, kRun>& pack, int count) {
        if (kIsPacked && count == kRun) return store_pack(to, pack);
        DAYRUN_UNROLL
        for (int i = 0; i < kRun; ++i) {
            if (i < count) to[i] = pack.at[i];
        }
    }
};

}  // namespace dayrun::kernels
