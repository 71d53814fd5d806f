// AdamW with 8-bit states in blocks of 256 (Dettmers et al. 2022), step for step as bitsandbytes,
// decay before the update. With g = grad * *grad_scale, t = step, r = sqrt(1 - b2^t):
//   m = b1 m + (1 - b1) g;   v = b2 v + (1 - b2) g^2          (dequantized, float32)
//   p *= 1 - lr * wd;   p -= lr * r / (1 - b1^t) * m / (sqrt(v) + eps * r)
// then m and v are quantized again: m with the signed map, v with the unsigned one.
// Tensors under kAdamw8bitMinCount elements keep float32 states: the caller gives them to adamw.h.
// Neighbours: blockwise8, core/engine/optimizer. Any thread; parallel through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/adamw/adamw.h"
#include "kernels/common/dtype.h"

namespace dayrun::kernels {

constexpr int64_t kAdamw8bitBlockSize = 256;
constexpr int64_t kAdamw8bitMinCount = 4096;

/// New states are all zero: codes 0 and absmax 0. Names as in the saved state dict.
struct Adamw8bitTensor {
    float* param = nullptr;          // in and out [count]
    uint8_t* state1 = nullptr;       // in and out [count]: codes of m
    uint8_t* state2 = nullptr;       // in and out [count]: codes of v
    float* absmax1 = nullptr;        // in and out [ceil(count / 256)]
    float* absmax2 = nullptr;        // in and out [ceil(count / 256)]
    bfloat16* param_copy = nullptr;  // out, optional [count]
    const float* grad = nullptr;     // [count]
    int64_t count = 0;
    float weight_decay = 0.0f;
};

struct Adamw8bitUpdate {
    const Adamw8bitTensor* tensors = nullptr;  // [tensor_count]
    int64_t tensor_count = 0;
    AdamwStep step;
};

/// A gradient element that is not finite sets its m and v to 0 and leaves its parameter as it is
/// (the engine skips such a step anyway). Bytes moved: 16 per element.
void adamw8bit_step(const Adamw8bitUpdate& update);

void adamw8bit_reference_step(const Adamw8bitUpdate& update);

}  // namespace dayrun::kernels
