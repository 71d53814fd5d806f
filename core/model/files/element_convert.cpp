// Body of element_convert.h.
#include "core/model/files/element_convert.h"

#include <bit>
#include <cstdint>
#include <cstring>

#include "core/base/check.h"
#include "kernels/common/dtype.h"

namespace dayrun::core {
namespace {

/// IEEE half to float: exact.
float half_to_float(uint16_t half) {
    const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
    const uint32_t exponent = (half >> 10) & 0x1fu;
    const uint32_t fraction = half & 0x3ffu;
    if (exponent == 0) {
        const float tiny = static_cast<float>(fraction) * 0x1p-24f;
        return sign != 0 ? -tiny : tiny;
    }
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13));
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

/// Float to IEEE half, to nearest even; what is too large becomes infinite.
uint16_t float_to_half(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
    if (magnitude < 0x38800000u) {
        // Below the smallest normal half: adding 0.5 lets the float unit round at the right bit.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
    }
    const uint32_t odd = (magnitude >> 13) & 1u;
    return static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

template <typename Stored, typename Convert>
void each(std::span<const std::byte> bytes, std::span<float> out, Convert convert) {
    CHECK(bytes.size() == out.size() * sizeof(Stored));
    for (size_t i = 0; i < out.size(); ++i) {
        Stored stored;
        std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
        out[i] = convert(stored);
    }
}

template <typename Stored, typename Convert>
void store_each(std::span<const float> values, std::span<std::byte> out, Convert convert) {
    CHECK(out.size() == values.size() * sizeof(Stored));
    for (size_t i = 0; i < values.size(); ++i) {
        const Stored stored = convert(values[i]);
        std::memcpy(out.data() + i * sizeof(Stored), &stored, sizeof(Stored));
    }
}

}  // namespace

bool is_convertible(TensorDtype dtype) {
    return dtype == TensorDtype::Float32 || dtype == TensorDtype::BFloat16 ||
           dtype == TensorDtype::Float16;
}

void to_float32(TensorDtype dtype, std::span<const std::byte> bytes, std::span<float> out) {
    CHECK(is_convertible(dtype));
    if (dtype == TensorDtype::Float32) {
        CHECK(bytes.size() == out.size_bytes());
        std::memcpy(out.data(), bytes.data(), bytes.size());
    } else if (dtype == TensorDtype::BFloat16) {
        each<uint16_t>(bytes, out,
                       [](uint16_t bits) { return kernels::to_float(kernels::bfloat16{bits}); });
    } else {
        each<uint16_t>(bytes, out, half_to_float);
    }
}

void from_float32(std::span<const float> values, TensorDtype dtype, std::span<std::byte> out) {
    CHECK(is_convertible(dtype));
    if (dtype == TensorDtype::Float32) {
        CHECK(out.size() == values.size_bytes());
        std::memcpy(out.data(), values.data(), out.size());
    } else if (dtype == TensorDtype::BFloat16) {
        store_each<uint16_t>(values, out,
                             [](float value) { return kernels::to_bfloat16(value).bits; });
    } else {
        store_each<uint16_t>(values, out, float_to_half);
    }
}

}  // namespace dayrun::core
