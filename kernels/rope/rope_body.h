// The device body of rope.h; rope.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/rope/rope.h"

namespace dayrun::kernels {

/// A block does one token. A thread has one pack of the rotary half and every so many of q's and
/// then k's heads, so that it reads its place in the tables once.
template <class T, int kPack>
struct RopeBody {
    static constexpr int kThreads = 64;
    static constexpr bool kSwitches = false;
    using Shared = Nothing;
    Rope p;      // rotary_dim and strides filled in
    float sign;  // 1 forward, -1 backward

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t token = block.index();
        const int half = static_cast<int>(p.rotary_dim / 2);
        const int packs = (half + kPack - 1) / kPack;  // of half a head
        const int abreast = packs < kThreads ? packs : kThreads;
        const int rows = kThreads / abreast;  // heads at a time
        const int first_head = block.thread() / abreast;
        if (first_head >= rows) return;
        const int q_heads = static_cast<int>(p.q_heads);
        const int heads = q_heads + (p.k != nullptr ? static_cast<int>(p.k_heads) : 0);
        const int64_t table = p.position_ids[token] * static_cast<int64_t>(half);
        T* q = static_cast<T*>(p.q) + token * p.q_stride;
        T* k = static_cast<T*>(p.k);
        if (k != nullptr) k += token * p.k_stride;
        for (int pack = block.thread() % abreast; pack < packs; pack += abreast) {
            const int at = pack * kPack, count = half - at;
            const auto cosine = load_pack<kPack>(p.cos + table + at, count);
            const auto sine = load_pack<kPack>(p.sin + table + at, count);
            for (int head = first_head; head < heads; head += rows) {
                T* row = head < q_heads ? q + head * p.head_dim : k + (head - q_heads) * p.head_dim;
                rotate(row + at, row + half + at, cosine, sine, count);
            }
        }
    }

    DAYRUN_DEVICE void rotate(T* lower, T* upper, const Pack<float, kPack>& cosine,
                              const Pack<float, kPack>& sine, int count) const {
        Pack<T, kPack> a = load_pack<kPack>(lower, count);
        Pack<T, kPack> b = load_pack<kPack>(upper, count);
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
