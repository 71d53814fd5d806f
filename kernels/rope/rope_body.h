// The device body of rope.h; rope.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/rope/rope.h"

namespace dayrun::kernels {

/// A block does one token: all packs of all heads of q, then of k.
template <class T, int kPack>
struct RopeBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = false;
    using Shared = Nothing;
    Rope p;      // rotary_dim and strides filled in
    float sign;  // 1 forward, -1 backward

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t token = block.index();
        const int half = static_cast<int>(p.rotary_dim / 2);
        const int packs = (half + kPack - 1) / kPack;  // of half a head
        const int q_heads = static_cast<int>(p.q_heads);
        const int heads = q_heads + (p.k != nullptr ? static_cast<int>(p.k_heads) : 0);
        const int64_t position = p.position_ids[token];
        T* q = static_cast<T*>(p.q) + token * p.q_stride;
        T* k = static_cast<T*>(p.k);
        if (k != nullptr) k += token * p.k_stride;
        for (int i = block.thread(); i < heads * packs; i += kThreads) {
            const int head = i / packs;
            const int at = (i - head * packs) * kPack;
            T* row = head < q_heads ? q + head * p.head_dim : k + (head - q_heads) * p.head_dim;
            rotate(row + at, row + half + at, position * half + at, half - at);
        }
    }

    DAYRUN_DEVICE void rotate(T* lower, T* upper, int64_t table_at, int count) const {
        Pack<T, kPack> a = load_pack<kPack>(lower, count);
        Pack<T, kPack> b = load_pack<kPack>(upper, count);
        const Pack<float, kPack> cosine = load_pack<kPack>(p.cos + table_at, count);
        const Pack<float, kPack> sine = load_pack<kPack>(p.sin + table_at, count);
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            const float x = to_float(a.at[i]);
            const float y = to_float(b.at[i]);
            const float s = sign * sine.at[i];
            a.at[i] = rounded<T>(fmaf(x, cosine.at[i], -(y * s)));
            b.at[i] = rounded<T>(fmaf(y, cosine.at[i], x * s));
        }
        store_pack(lower, a, count);
        store_pack(upper, b, count);
    }
};

}  // namespace dayrun::kernels
