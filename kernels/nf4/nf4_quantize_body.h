// The device bodies of nf4_quantize and nf4_nested_quantize; nf4_quantize.cu says what they move
// and why they are cut so.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"
#include "kernels/nf4/nf4.h"

namespace dayrun::kernels {

/// A warp quantizes 256 elements (several blocks) or one larger block; a lane has runs of eight.
template <class T>
struct Nf4QuantizeBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    static constexpr int kRun = 8;
    static constexpr int kTile = kWarp * kRun;
    using Shared = Nothing;
    Nf4Quantize p;
    int32_t* not_finite;
    float thresholds[15];
    bool is_packed;

    /// Elements of one warp.
    DAYRUN_HOST_DEVICE int64_t span() const { return p.block_size > kTile ? p.block_size : kTile; }

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int lane = block.thread() % kWarp;
        const int64_t warp = block.index() * (kThreads / kWarp) + block.thread() / kWarp;
        const int64_t begin = warp * span();
        if (begin >= p.count) return;
        const int64_t limit = begin + span();
        const int64_t end = limit < p.count ? limit : p.count;

        float top = 0.0f;
        bool is_finite = true;
        for (int64_t at = begin + lane * kRun; at < end; at += kTile) {
            const Pack<float, kRun> values = load(at);
            DAYRUN_UNROLL
            for (int i = 0; i < kRun; ++i) {
                is_finite = is_finite && values.at[i] * 0.0f == 0.0f;
                top = fmaxf(top, fabsf(values.at[i]));
            }
        }
        if (!is_finite) *not_finite = 1;
        // The lanes of one block: all 32 when it is as large as a tile or larger.
        const int lanes = static_cast<int>(p.block_size < kTile ? p.block_size : kTile) / kRun;
        for (int mask = lanes / 2; mask > 0; mask /= 2) {
            top = fmaxf(top, block.shuffle_xor(top, mask));
        }
        if (lane % lanes == 0 && begin + lane * kRun < end) {
            p.absmax[(begin + lane * kRun) / p.block_size] = top;
        }
        const float inverse = 1.0f / top;
        for (int64_t at = begin + lane * kRun; at < end; at += kTile) {
            store(at, load(at), inverse);
        }
    }

    /// Eight elements; those beyond the end are zero.
    DAYRUN_DEVICE Pack<float, kRun> load(int64_t at) const {
        const T* from = static_cast<const T*>(p.weight) + at;
        const int count = p.count - at < kRun ? static_cast<int>(p.count - at) : kRun;
        Pack<T, kRun> raw;
        if (is_packed && count == kRun) {
            raw = load_pack<kRun>(from);
        } else {
            DAYRUN_UNROLL
            for (int i = 0; i < kRun; ++i) raw.at[i] = i < count ? from[i] : T{};
        }
        Pack<float, kRun> values;
        DAYRUN_UNROLL
        for (int i = 0; i < kRun; ++i) values.at[i] = to_float(raw.at[i]);
        return values;
    }

    DAYRUN_DEVICE void store(int64_t at, const Pack<float, kRun>& values, float inverse) const {
        DAYRUN_UNROLL
        for (int pair = 0; pair < kRun / 2; ++pair) {
            const int64_t first = at + 2 * pair;
            if (first >= p.count) return;
            const uint32_t low = code(values.at[2 * pair + 1] * inverse);
            p.codes[first / 2] =
                static_cast<uint8_t>(code(values.at[2 * pair] * inverse) << 4 | low);
        }
    }

    /// In a block of zeros x is NaN, no threshold lies below it, and the code is 0.
    DAYRUN_DEVICE uint32_t code(float x) const {
        uint32_t above = 0;
        DAYRUN_UNROLL
        for (int i = 0; i < 15; ++i) above += x > thresholds[i] ? 1u : 0u;
        return above;
    }
};

/// One block: the mean of all absmax, in float64.
struct Nf4MeanBody {
    static constexpr int kThreads = 1024;
    static constexpr bool kSwitches = true;
    struct Shared {
        double sums[kThreads / kWarp];
    };
    Nf4NestedQuantize p;

    DAYRUN_DEVICE void operator()(Block& block) const {
        double sum = 0;
        for (int64_t i = block.thread(); i < p.block_count; i += kThreads) sum += p.absmax[i];
        sum = reduce_block<kThreads>(block, block.shared<Shared>().sums, sum, Sum<double>());
        if (block.thread() != 0) return;
        *p.absmax_offset = static_cast<float>(sum / static_cast<double>(p.block_count));
    }
};

}  // namespace dayrun::kernels
