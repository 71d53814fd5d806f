// The 2-norm of all gradients together and the clip coefficient made from it.
// Squares and sums are double over fixed chunks of 65,536 elements that are then added in order,
// so the value does not depend on the threads, cannot overflow, and is finite exactly when every
// gradient is.
// Neighbour: core/engine/optimizer. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct GradTensor {
    const float* grad = nullptr;  // [count]
    int64_t count = 0;
};

struct GradNorm {
    double norm = 0.0;   // before clipping; this is what is logged
    bool finite = true;  // false: at least one gradient is infinite or NaN; skip the step
};

/// Bytes moved: 4 per element.
GradNorm grad_norm(const GradTensor* tensors, int64_t tensor_count);
GradNorm grad_norm_reference(const GradTensor* tensors, int64_t tensor_count);

/// min(1, max_norm / (norm + 1e-6)) as PyTorch clips; 1 when max_norm is 0 (clipping is off).
float clip_coefficient(double norm, double max_norm);

}  // namespace dayrun::kernels
