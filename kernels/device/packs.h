// Neighbouring elements that a thread moves at once: with 16 bytes each a warp's access is four
// full cache lines. A pack that hangs over the end of a row is moved element by element.
// Bodies have a template number kPack: elements per pack when every row is aligned for it
// (packs_fit below), else 1.
// Neighbour: block.h. Device code, and emulated on the host.
#pragma once

#include <cstring>
#include <initializer_list>

#include "kernels/device/block.h"

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#endif

namespace dayrun::kernels {

/// The largest access of the hardware.
constexpr int kPackBytes = 16;

/// Elements of a 16-byte pack.
template <class T>
constexpr int pack_size() {
    return kPackBytes / static_cast<int>(sizeof(T));
}

template <class T, int N>
struct alignas(sizeof(T) * N < kPackBytes ? sizeof(T) * N : kPackBytes) Pack {
    T at[N];
};

/// Copies a pack between memory and registers in the largest words there are.
template <class T, int N>
DAYRUN_DEVICE void copy_pack(Pack<T, N>* to, const Pack<T, N>* from) {
#if defined(__CUDACC__)
    if constexpr (sizeof(*to) % 16 == 0) {
        DAYRUN_UNROLL
        for (int i = 0; i < static_cast<int>(sizeof(*to) / 16); ++i) {
            reinterpret_cast<uint4*>(to)[i] = reinterpret_cast<const uint4*>(from)[i];
        }
    } else if constexpr (sizeof(*to) == 8) {
        *reinterpret_cast<uint2*>(to) = *reinterpret_cast<const uint2*>(from);
    } else if constexpr (sizeof(*to) == 4) {
        *reinterpret_cast<uint32_t*>(to) = *reinterpret_cast<const uint32_t*>(from);
    } else {
        *to = *from;
    }
#else
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), sizeof(*to));
#endif
}

/// `from` must be aligned for a pack.
template <int N, class T>
DAYRUN_DEVICE Pack<T, N> load_pack(const T* from) {
    Pack<T, N> pack;
#if !defined(__CUDACC__)
    require_alignment(from, alignof(Pack<T, N>));
#endif
    copy_pack(&pack, reinterpret_cast<const Pack<T, N>*>(from));
    return pack;
}
template <int N, class T>
DAYRUN_DEVICE void store_pack(T* to, const Pack<T, N>& pack) {
#if !defined(__CUDACC__)
    require_alignment(to, alignof(Pack<T, N>));
#endif
    copy_pack(reinterpret_cast<Pack<T, N>*>(to), &pack);
}

/// The first `count` elements; the others are zero. Any count from 1 on.
template <int N, class T>
DAYRUN_DEVICE Pack<T, N> load_pack(const T* from, int count) {
    if (count >= N) return load_pack<N>(from);
    Pack<T, N> pack;
    DAYRUN_UNROLL
    for (int i = 0; i < N; ++i) pack.at[i] = i < count ? from[i] : T{};
    return pack;
}
template <int N, class T>
DAYRUN_DEVICE void store_pack(T* to, const Pack<T, N>& pack, int count) {
    if (count >= N) return store_pack<N>(to, pack);
    DAYRUN_UNROLL
    for (int i = 0; i < N; ++i) {
        if (i < count) to[i] = pack.at[i];
    }
}

/// A pack that a thread keeps for later, in whole registers: two bfloat16 in one, where a Pack that
/// the compiler has taken apart would fill two. Empty (zeros) unless it was loaded.
template <class T, int N>
struct KeptPack {
    static constexpr int kWords = (static_cast<int>(sizeof(T)) * N + 3) / 4;
    uint32_t words[kWords] = {};

    KeptPack() = default;
    DAYRUN_DEVICE explicit KeptPack(const Pack<T, N>& pack) {
        std::memcpy(words, &pack, sizeof(pack));
    }

    /// The elements; on a device they are taken apart here and not before.
    DAYRUN_DEVICE Pack<T, N> unpacked() const {
        uint32_t here[kWords];
        DAYRUN_UNROLL
        for (int i = 0; i < kWords; ++i) {
            here[i] = words[i];
#if defined(__CUDACC__)
            asm volatile("" : "+r"(here[i]));
#endif
        }
        Pack<T, N> pack;
        std::memcpy(&pack, here, sizeof(pack));
        return pack;
    }
};

/// The first `count` elements of a row's rest, none of them when count <= 0.
template <int N, class T>
DAYRUN_DEVICE KeptPack<T, N> keep_pack(const T* from, int count) {
    if (count <= 0) return {};
    KeptPack<T, N> kept;
#if defined(__CUDACC__)
    if constexpr (sizeof(T) * N == 16) {
        if (count >= N) {
            const uint4 loaded = *reinterpret_cast<const uint4*>(from);
            kept.words[0] = loaded.x;
            kept.words[1] = loaded.y;
            kept.words[2] = loaded.z;
            kept.words[3] = loaded.w;
            return kept;
        }
    }
#endif
    return KeptPack<T, N>(load_pack<N>(from, count));
}

/// round_to<T>, on a device by the hardware's instruction (a NaN may have other bits there).
template <class T>
DAYRUN_DEVICE T rounded(float value) {
#if defined(__CUDACC__)
    if constexpr (sizeof(T) == 2) {
        const __nv_bfloat16 result = __float2bfloat16_rn(value);
        return reinterpret_cast<const bfloat16&>(result);
    } else {
        return value;
    }
#else
    return round_to<T>(value);
#endif
}

/// The value that is stored: what a later reader of a T sees.
template <class T>
DAYRUN_DEVICE float as_stored(float value) {
    return to_float(rounded<T>(value));
}

/// One matrix that a launcher wants to walk in packs.
struct PackedOperand {
    const void* data;
    int64_t element_bytes;
    int64_t stride;  // elements between rows
};

/// True when every row of every operand (null ones aside) is aligned for packs of `pack` elements.
inline bool packs_fit(int pack, std::initializer_list<PackedOperand> operands) {
    for (const PackedOperand& operand : operands) {
        const int64_t bytes = pack * operand.element_bytes;
        const auto alignment = static_cast<uintptr_t>(bytes < kPackBytes ? bytes : kPackBytes);
        if (reinterpret_cast<uintptr_t>(operand.data) % alignment != 0) return false;
        if (operand.data != nullptr && operand.stride % pack != 0) return false;
    }
    return true;
}

}  // namespace dayrun::kernels
