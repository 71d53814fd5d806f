// The device body of nf4_dequantize; nf4.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/nf4/nf4.h"
#include "kernels/nf4/nf4_lookup.h"

namespace dayrun::kernels {

/// Element i of the whole weight is done by the thread that has the eight elements from i / 8 * 8
/// on: they share one absmax. kIsWhole: the first element is a multiple of 8, the output aligned.
template <class T, bool kIsWhole>
struct Nf4DequantizeBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = false;
    static constexpr int kRun = 8;  // elements of a thread, 4 bytes of codes
    static constexpr int kPack = pack_size<T>();
    using Shared = Nothing;
    Nf4Dequantize p;
    Nf4Planes planes;
    int block_shift;   // log2 of block_size
    int nested_shift;  // log2 of nested_block_size, or -1
    int64_t begin;     // the first element of the weight that is wanted
    int64_t end;

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t run = block.index() * kThreads + block.thread();
        const int64_t first = (begin / kRun + run) * kRun;
        if (first >= end) return;
        float values[kRun];
        const float absmax = absmax_of(first >> block_shift);
        const uint32_t codes = nf4_in_order(code_bytes(first));
        planes.values(codes & 0xffffu, values);
        planes.values(codes >> 16, values + 4);
        T* out = static_cast<T*>(p.out) + (first - begin);
        DAYRUN_UNROLL
        for (int at = 0; at < kRun; at += kPack) {
            Pack<T, kPack> pack;
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) pack.at[i] = rounded<T>(values[at + i] * absmax);
            store(out, pack, first, at);
        }
    }

    DAYRUN_DEVICE float absmax_of(int64_t block) const {
        const Nf4Weight& w = p.weight;
        if (w.absmax != nullptr) return w.absmax[block];
        const int64_t nested =
            nested_shift >= 0 ? block >> nested_shift : block / w.nested_block_size;
        return w.nested_map[w.absmax_codes[block]] * w.nested_absmax[nested] + w.absmax_offset;
    }

    /// Four bytes, the first lowest; what lies beyond the last code is 0.
    DAYRUN_DEVICE uint32_t code_bytes(int64_t first) const {
        const uint8_t* from = p.weight.codes + first / 2;
        const int64_t left = (p.weight.rows * p.weight.cols - first + 1) / 2;
        const Pack<uint8_t, 4> bytes =
            kIsWhole ? load_pack<4>(from, left < 4 ? static_cast<int>(left) : 4)
                     : bytewise(from, left);
        return bytes.at[0] | (static_cast<uint32_t>(bytes.at[1]) << 8) |
               (static_cast<uint32_t>(bytes.at[2]) << 16) |
               (static_cast<uint32_t>(bytes.at[3]) << 24);
    }

    DAYRUN_DEVICE static Pack<uint8_t, 4> bytewise(const uint8_t* from, int64_t left) {
        Pack<uint8_t, 4> bytes;
        DAYRUN_UNROLL
        for (int i = 0; i < 4; ++i) bytes.at[i] = i < left ? from[i] : uint8_t{0};
        return bytes;
    }

    /// The elements first + at and on, as far as they are wanted.
    DAYRUN_DEVICE void store(T* out, const Pack<T, kPack>& pack, int64_t first, int at) const {
        const int64_t left = end - first - at;
        if (left <= 0) return;
        if constexpr (kIsWhole) {
            store_pack(out + at, pack, left < kPack ? static_cast<int>(left) : kPack);
        } else {
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) {
                if (first + at + i >= begin && i < left) out[at + i] = pack.at[i];
            }
        }
    }
};

}  // namespace dayrun::kernels
