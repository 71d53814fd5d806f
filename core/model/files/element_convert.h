// Tensor elements between their stored type and float32. Any thread; no alignment is asked for.
// Neighbours: merge.cpp, and who else reads weights of any float type without libtorch.
#pragma once

#include <cstddef>
#include <span>

#include "core/model/safetensors.h"

namespace dayrun::core {

/// Whether the conversions know the type: F32, BF16 and F16.
bool is_convertible(TensorDtype dtype);

/// bytes holds exactly out.size() elements of `dtype`.
void to_float32(TensorDtype dtype, std::span<const std::byte> bytes, std::span<float> out);

/// Rounds to nearest, ties to even; out has room for values.size() elements of `dtype`.
void from_float32(std::span<const float> values, TensorDtype dtype, std::span<std::byte> out);

}  // namespace dayrun::core
