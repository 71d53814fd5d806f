// The device bodies of dropout.h; dropout.cu says what they move and why they are cut so.
#pragma once

#include "kernels/device/reduce.h"
#include "kernels/device/row_tiles.h"
#include "kernels/dropout/dropout.h"

namespace dayrun::kernels {

struct DropoutLaunch {
    Dropout call;  // strides filled in
    DropoutRule rule;
};

/// One pack: halves[i] decides on element i.
template <class T, int kPack>
DAYRUN_DEVICE void drop_pack(const DropoutLaunch& p, const PackPlace& at,
                             const uint32_t (&halves)[kPack]) {
    const Dropout& call = p.call;
    T* out = static_cast<T*>(call.out) + at.row * call.out_stride + at.col;
    const T* x = static_cast<const T*>(call.x) + at.row * call.x_stride + at.col;
    Pack<T, kPack> values = load_pack<kPack>(x, at.count);
    Pack<T, kPack> sum = {};
    if (call.into == DropoutInto::Add) sum = load_pack<kPack>(out, at.count);
    DAYRUN_UNROLL
    for (int i = 0; i < kPack; ++i) {
        // A product, not a choice: an infinite element must not vanish.
        const float factor = halves[i] >= p.rule.threshold ? p.rule.scale : 0.0f;
        const float value = to_float(values.at[i]) * factor;
        values.at[i] =
            rounded<T>(call.into == DropoutInto::Add ? value + to_float(sum.at[i]) : value);
    }
    store_pack(out, values, at.count);
}

/// Any shape: every element draws its own counter.
template <class T, int kPack>
struct DropoutBody : RowTilesBody<DropoutLaunch, kPack> {
    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        if (at.count <= 0) return;
        const Dropout& call = this->p.call;
        const int64_t index = (call.first_row + at.row) * call.cols + at.col;
        uint32_t halves[kPack];
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) halves[i] = random_half(call.stream, index + i);
        drop_pack<T, kPack>(this->p, at, halves);
    }
};

/// Rows that are multiples of 128 elements: sixteen counters serve 128 elements (philox.h), so each
/// of their sixteen threads draws one and lays its four words where its neighbours find them.
template <class T, int kPack>
struct DropoutSharingBody : RowTilesBody<DropoutLaunch, kPack> {
    static constexpr bool kSwitches = true;
    static constexpr int kThreads = RowTiles<kPack>::kThreads;
    static constexpr int kRun = 128;  // elements of sixteen counters
    static constexpr int kCounters = 16;
    static constexpr int kRuns = RowTiles<kPack>::kTile / kRun;
    struct Shared {
        uint32_t words[kRuns][kRun / 2];
    };

    DAYRUN_DEVICE void operator()(Block& block) const {
        const PackPlace at = this->tiles.place(block);
        const Dropout& call = this->p.call;
        const int first_col = at.col - block.thread() * kPack;
        const int64_t first = (call.first_row + at.row) * call.cols + first_col;  // of the tile
        Shared& shared = block.shared<Shared>();
        for (int i = block.thread(); i < kRuns * kCounters; i += kThreads) {
            draw(first / kRun + i / kCounters, i % kCounters, shared.words[i / kCounters]);
        }
        block.barrier();
        if (at.count <= 0) return;
        const int place = block.thread() * kPack % kRun;
        const uint32_t* words = shared.words[block.thread() * kPack / kRun] + place % (kRun / 2);
        uint32_t halves[kPack];
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            halves[i] = place < kRun / 2 ? words[i] & 0xffffu : words[i] >> 16;
        }
        drop_pack<T, kPack>(this->p, at, halves);
    }

    /// Counter `which` of run `run` as random_half() numbers them.
    DAYRUN_DEVICE void draw(int64_t run, int which, uint32_t (&words)[kRun / 2]) const {
        const RandomStream from = this->p.call.stream;
        const uint64_t counter = static_cast<uint64_t>(run) * kCounters + which;
        const PhiloxWords drawn =
            philox({{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                     static_cast<uint32_t>(from.stream), static_cast<uint32_t>(from.stream >> 32)}},
                   from.seed);
        DAYRUN_UNROLL
        for (int slot = 0; slot < 4; ++slot) words[slot * kCounters + which] = drawn.word[slot];
    }
};

}  // namespace dayrun::kernels
