// AdamW with decoupled weight decay over many tensors at once, decay before the update
// (PyTorch's order). With g = grad * *grad_scale and t = step:
//   p *= 1 - lr * wd;   m += (g - m) * (1 - b1);   v = b2 * v + (1 - b2) * g^2
//   p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
// Neighbour: core/engine/optimizer. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// One parameter tensor. Parameters are float32 masters; a bfloat16 compute copy (or the
/// bfloat16 parameter of `adapter.dtype: bfloat16`, whose master the caller keeps) is written
/// along with them.
struct AdamwTensor {
    float* param = nullptr;          // in and out [count]
    float* m = nullptr;              // in and out [count]: first moment
    float* v = nullptr;              // in and out [count]: second moment
    bfloat16* param_copy = nullptr;  // out, optional [count]: param rounded to bfloat16
    const float* grad = nullptr;     // [count]
    int64_t count = 0;
    float weight_decay = 0.0f;
};

/// grad_scale and skip are pointers because on a GPU they are written by an earlier kernel and
/// never read by the host.
struct AdamwStep {
    double learning_rate = 0.0;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    int64_t step = 1;                   // t, counted from 1
    const float* grad_scale = nullptr;  // optional: the clip coefficient; null means 1
    const int32_t* skip = nullptr;      // optional: nonzero leaves every tensor as it is
};

struct AdamwUpdate {
    const AdamwTensor* tensors = nullptr;  // [tensor_count]
    int64_t tensor_count = 0;
    AdamwStep step;
};

/// Bytes moved: 28 per element (p, m, v read and written, g read), 30 with param_copy.
void adamw_step(const AdamwUpdate& update);

void adamw_reference_step(const AdamwUpdate& update);

}  // namespace dayrun::kernels
