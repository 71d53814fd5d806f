// DoRA (Liu et al. 2024): a weight's rows keep a trained length and get their direction from
// W + scaling B A. With s = magnitude / ||row of W + scaling B A|| (a constant in the backward, as
// PEFT has it), base = x' W^T, lora = scaling (x' A^T) B^T and x' the input after dropout:
//   y = x W^T + (s - 1) base + s lora + bias
//   dy of the parts: (s - 1) dy and s dy;  d_magnitude = sum over tokens of dy (base + lora) / norm
// Without dropout base is x W^T itself and y = s (base + lora) + bias. Float32 inside, rounded
// once. Neighbour: core/engine/linear/dora.h. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// Lengths of rows, and what they are to be scaled by.
struct DoraNorms {
    float* norm = nullptr;             // out [rows]
    float* scale = nullptr;            // out, optional [rows]: magnitude / norm; 1 where norm is 0
    const float* weight = nullptr;     // [rows, cols]: W + scaling B A
    const float* magnitude = nullptr;  // [rows]
    int64_t rows = 0;
    int64_t cols = 0;
};

/// Strides are elements between rows; 0 means cols.
struct DoraForward {
    void* out = nullptr;           // in: x W^T, out: y [tokens, cols] dtype
    const void* base = nullptr;    // [tokens, cols] dtype; may be out
    const void* lora = nullptr;    // [tokens, cols] dtype
    const float* scale = nullptr;  // [cols]
    const void* bias = nullptr;    // [cols] dtype, optional
    Dtype dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;
    int64_t base_stride = 0;
    int64_t lora_stride = 0;
};

/// out = (scale - minus) * dy: the gradient of the adapted part, or of what dropout saw (minus 1).
struct DoraScale {
    void* out = nullptr;           // out [tokens, cols] dtype
    const void* dy = nullptr;      // [tokens, cols] dtype
    const float* scale = nullptr;  // [cols]
    float minus = 0.0f;
    Dtype dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;
    int64_t dy_stride = 0;
};

struct DoraMagnitude {
    float* dmagnitude = nullptr;  // added to [cols]
    const void* dy = nullptr;     // [tokens, cols] dtype
    const void* base = nullptr;   // [tokens, cols] dtype
    const void* lora = nullptr;   // [tokens, cols] dtype
    const float* norm = nullptr;  // [cols]; a column of norm 0 gets no gradient
    Dtype dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t cols = 0;
    int64_t dy_stride = 0;
    int64_t base_stride = 0;
    int64_t lora_stride = 0;
};

/// Bytes moved: 4 * rows * cols.
void dora_norms(const DoraNorms& params);
/// Bytes moved: 4 * tokens * cols elements, 3 when base is out.
void dora_forward(const DoraForward& params);
/// Bytes moved: 2 * tokens * cols elements.
void dora_scale(const DoraScale& params);
/// Bytes moved: 3 * tokens * cols elements. Tokens are summed in blocks of 64, the blocks in order.
void dora_magnitude(const DoraMagnitude& params);

void dora_reference_norms(const DoraNorms& params);
void dora_reference_forward(const DoraForward& params);
void dora_reference_scale(const DoraScale& params);
void dora_reference_magnitude(const DoraMagnitude& params);

}  // namespace dayrun::kernels
