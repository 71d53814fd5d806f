// RMSNorm over the last axis, with an optional residual add in front of it.
//   h    = x + residual                       (rounded to dtype; h = x without a residual)
//   rstd = 1 / sqrt(mean(h^2) + eps)          (float32)
//   y    = round(h * rstd) * weight           (round = to dtype; then rounded once more)
// The order (cast to the activation's type, then times weight) is the one of the checkpoints.
// Norms over heads (query and key norm) are rows too: row (t, n) starts at t * stride + n * cols.
// Neighbour: core/engine/decoder. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// Strides are elements between tokens; 0 means dense (heads * cols). Outputs may alias inputs of
/// the same stride (y on x, h on x or residual).
struct RmsNormForward {
    void* y = nullptr;               // out [tokens, heads, cols] dtype
    void* h = nullptr;               // out, optional [tokens, heads, cols] dtype: x + residual
    float* rstd = nullptr;           // out, optional [tokens * heads]
    const void* x = nullptr;         // [tokens, heads, cols] dtype
    const void* residual = nullptr;  // optional [tokens, heads, cols] dtype
    const void* weight = nullptr;    // [cols] weight_dtype
    Dtype dtype = Dtype::Float32;
    Dtype weight_dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t heads = 1;
    int64_t cols = 0;
    int64_t y_stride = 0;
    int64_t h_stride = 0;
    int64_t x_stride = 0;
    int64_t residual_stride = 0;
    float eps = 1e-6f;
};

/// With g = dy * weight and n = x * rstd:
///   dx = dresidual + rstd * (g - n * mean(g * n));   dweight += sum over rows of dy * round(n)
/// `x` is what was normalised (h when there was a residual). dx may alias dy or dresidual.
struct RmsNormBackward {
    void* dx = nullptr;               // out [tokens, heads, cols] dtype
    float* dweight = nullptr;         // in and out, optional [cols]: added to
    const void* dy = nullptr;         // [tokens, heads, cols] dtype
    const void* x = nullptr;          // [tokens, heads, cols] dtype
    const float* rstd = nullptr;      // [tokens * heads] as saved by the forward
    const void* weight = nullptr;     // [cols] weight_dtype
    const void* dresidual = nullptr;  // optional [tokens, heads, cols] dtype
    Dtype dtype = Dtype::Float32;
    Dtype weight_dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t heads = 1;
    int64_t cols = 0;
    int64_t dx_stride = 0;
    int64_t dy_stride = 0;
    int64_t x_stride = 0;
    int64_t dresidual_stride = 0;
};

/// Bytes moved: (2 + residual + h) * rows * cols elements.
void rms_norm_forward(const RmsNormForward& params);
/// Bytes moved: (3 + dresidual) * rows * cols elements; dweight reads dy and x once more.
/// dweight is summed over blocks of 64 rows, the blocks in order, whatever the threads.
void rms_norm_backward(const RmsNormBackward& params);

/// Plain loops with double sums: the definition of right.
void rms_norm_reference_forward(const RmsNormForward& params);
void rms_norm_reference_backward(const RmsNormBackward& params);

}  // namespace dayrun::kernels
