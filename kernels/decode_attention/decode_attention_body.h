// The device body of decode_attention.h; decode_attention.cu says what it moves and why it is cut
// so.
#pragma once

#include "kernels/decode_attention/decode_attention.h"
#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"

namespace dayrun::kernels {

/// The texts of one launch, in the kernel's parameters.
constexpr int kDecodeTexts = 64;

/// A block has one head of one text and goes through its keys in tiles of one key per thread.
template <class T, int kPack>
struct DecodeAttentionBody {
    static constexpr int kThreads = 128;
    static constexpr bool kSwitches = true;
    static constexpr int kMostDims = 512;
    static constexpr int kDimsPerThread = kMostDims / kThreads;
    struct Shared {
        float q[kMostDims];
        float weights[kThreads];
        float slots[kThreads / kWarp];
    };
    DecodeAttention p;  // stride filled in; its texts are those below
    DecodeText texts[kDecodeTexts];

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int heads = static_cast<int>(p.heads);
        const int dims = static_cast<int>(p.head_dim);
        const int head = static_cast<int>(block.index()) % heads;
        const DecodeText& text = texts[static_cast<int>(block.index()) / heads];
        const int64_t group_at = head / (heads / static_cast<int>(p.kv_heads)) * p.head_dim;
        const T* k = static_cast<const T*>(text.k) + group_at;
        const T* v = static_cast<const T*>(text.v) + group_at;
        const T* q = static_cast<const T*>(text.q) + head * p.head_dim;
        Shared& shared = block.shared<Shared>();
        for (int d = block.thread(); d < dims; d += kThreads) shared.q[d] = to_float(q[d]);
        block.barrier();

        float sums[kDimsPerThread] = {};
        float top = -INFINITY;
        float total = 0.0f;
        for (int64_t begin = 0; begin < text.keys; begin += kThreads) {
            const int64_t key = begin + block.thread();
            const float score =
                key < text.keys ? p.scale * dot(shared.q, k + key * p.kv_stride) : -INFINITY;
            const float new_top =
                fmaxf(top, reduce_block<kThreads>(block, shared.slots, score,
                                                  [](float a, float b) { return fmaxf(a, b); }));
            const float weight = key < text.keys ? expf(score - new_top) : 0.0f;
            shared.weights[block.thread()] = weight;
            // Its barriers also let everybody see the weights.
            const float tile_total =
                reduce_block<kThreads>(block, shared.slots, weight, Sum<float>());
            const float shrink = begin == 0 ? 0.0f : expf(top - new_top);
            total = fmaf(total, shrink, tile_total);
            top = new_top;
            const int64_t left = text.keys - begin;
            const int keys = left < kThreads ? static_cast<int>(left) : kThreads;
            add_values(block, shared.weights, v + begin * p.kv_stride, keys, shrink, sums);
            block.barrier();
        }
        T* out = static_cast<T*>(text.out) + head * p.head_dim;
        DAYRUN_UNROLL
        for (int i = 0; i < kDimsPerThread; ++i) {
            const int d = block.thread() + i * kThreads;
            if (d < dims) out[d] = rounded<T>(sums[i] / total);
        }
    }

    DAYRUN_DEVICE float dot(const float* q, const T* key) const {
        const int dims = static_cast<int>(p.head_dim);
        float sum = 0.0f;
        for (int d = 0; d < dims; d += kPack) {
            const auto values = load_pack<kPack>(key + d);
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) sum = fmaf(q[d + i], to_float(values.at[i]), sum);
        }
        return sum;
    }

    /// sums = sums * shrink + weights . values, a thread's own dimensions.
    DAYRUN_DEVICE void add_values(const Block& block, const float* weights, const T* v, int keys,
                                  float shrink, float (&sums)[kDimsPerThread]) const {
        const int dims = static_cast<int>(p.head_dim);
        DAYRUN_UNROLL
        for (int i = 0; i < kDimsPerThread; ++i) {
            const int d = block.thread() + i * kThreads;
            if (d >= dims) break;
            float sum = 0.0f;
            for (int j = 0; j < keys; ++j) {
                sum = fmaf(weights[j], to_float(v[j * p.kv_stride + d]), sum);
            }
            sums[i] = fmaf(sums[i], shrink, sum);
        }
    }
};

}  // namespace dayrun::kernels
