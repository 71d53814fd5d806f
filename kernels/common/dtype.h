// The element types the kernels read and write, and our own two-byte bfloat16.
// Neighbour: every <op>.h. Plain values, any thread; C++17, so that nvcc compiles it too.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define DAYRUN_HOST_DEVICE __host__ __device__
#else
#define DAYRUN_HOST_DEVICE
#endif

namespace dayrun::kernels {

/// How the elements of a buffer are stored. Sums and functions are always float32 or wider.
enum class Dtype : int32_t { Float32, BFloat16 };

/// The upper 16 bits of a float32. Same layout as c10::BFloat16 and __nv_bfloat16, so pointers to
/// them may be reinterpreted.
struct bfloat16 {
    uint16_t bits;
};
static_assert(sizeof(bfloat16) == 2, "bfloat16 buffers are shared with other libraries");

/// Bytes of one element.
DAYRUN_HOST_DEVICE constexpr int64_t element_bytes(Dtype dtype) {
    return dtype == Dtype::Float32 ? 4 : 2;
}

DAYRUN_HOST_DEVICE inline float to_float(float value) {
    return value;
}
DAYRUN_HOST_DEVICE inline float to_float(bfloat16 value) {
    const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
    float result;
    memcpy(&result, &bits, sizeof(result));
    return result;
}

/// Rounds to nearest, ties to even; every NaN becomes 0x7FC0 (facts: as PyTorch does it).
DAYRUN_HOST_DEVICE inline bfloat16 to_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if ((bits & 0x7fffffffu) > 0x7f800000u) return bfloat16{0x7fc0};
    bits += 0x7fffu + ((bits >> 16) & 1u);
    return bfloat16{static_cast<uint16_t>(bits >> 16)};
}

/// Rounds a float32 to T. `round_to<float>` is the identity.
template <class T>
DAYRUN_HOST_DEVICE inline T round_to(float value);
template <>
DAYRUN_HOST_DEVICE inline float round_to<float>(float value) {
    return value;
}
template <>
DAYRUN_HOST_DEVICE inline bfloat16 round_to<bfloat16>(float value) {
    return to_bfloat16(value);
}

/// Calls body(float{}) or body(bfloat16{}): the bridge from a Dtype to a template.
template <class Body>
void with_dtype(Dtype dtype, Body&& body) {
    if (dtype == Dtype::Float32) {
        body(float{});
    } else {
        body(bfloat16{});
    }
}

}  // namespace dayrun::kernels
