// Rotary position embedding on queries and keys at once, in place, rotate_half convention:
//   with half = rotary_dim / 2, i < half, c = cos[p, i], s = sin[p, i] and p = position_ids[t]
//   y[i] = x[i] * c - x[i + half] * s;   y[i + half] = x[i + half] * c + x[i] * s
// Elements from rotary_dim up to head_dim stay as they are. Float32 inside, rounded once.
// The tables carry the scaling of the family (llama3, yarn, ...) and its attention factor.
// Neighbour: core/engine/decoder. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct Rope {
    void* q = nullptr;                      // in and out [tokens, q_heads, head_dim] dtype
    void* k = nullptr;                      // in and out, optional [tokens, k_heads, head_dim]
    const float* cos = nullptr;             // [table_rows, rotary_dim / 2]
    const float* sin = nullptr;             // [table_rows, rotary_dim / 2]
    const int32_t* position_ids = nullptr;  // [tokens], each in [0, table_rows)
    Dtype dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t q_heads = 0;
    int64_t k_heads = 0;
    int64_t head_dim = 0;
    int64_t rotary_dim = 0;  // even; 0 means head_dim
    int64_t q_stride = 0;    // elements between tokens; 0 means q_heads * head_dim
    int64_t k_stride = 0;    // elements between tokens; 0 means k_heads * head_dim
};

/// Bytes moved: 2 * tokens * (q_heads + k_heads) * rotary_dim elements.
void rope_forward(const Rope& params);
/// The inverse rotation (the transpose of the forward), on dq and dk in place.
void rope_backward(const Rope& params);

void rope_reference_forward(const Rope& params);
void rope_reference_backward(const Rope& params);

}  // namespace dayrun::kernels
