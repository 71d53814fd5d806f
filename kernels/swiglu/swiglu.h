// SwiGLU: out = silu(gate) * up, silu(x) = x / (1 + exp(-x)); float32 inside, rounded once.
// Backward in place: d_gate and d_up overwrite gate and up, and out can be made again on the way
// (bit-equal to the forward's), so a plan that keeps only gate and up needs no further buffer.
//   s = 1 / (1 + exp(-gate));  d_up = dout * gate * s
//   d_gate = dout * up * s * (1 + gate * (1 - s))
// Neighbour: core/engine/decoder. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// Strides are elements between rows; 0 means cols. gate and up may be halves of one buffer.
struct SwigluForward {
    void* out = nullptr;         // out [rows, cols] dtype; may alias gate or up
    const void* gate = nullptr;  // [rows, cols] dtype
    const void* up = nullptr;    // [rows, cols] dtype
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;
    int64_t gate_stride = 0;
    int64_t up_stride = 0;
};

struct SwigluBackward {
    void* gate = nullptr;        // in: gate, out: d_gate [rows, cols] dtype
    void* up = nullptr;          // in: up, out: d_up [rows, cols] dtype
    void* out = nullptr;         // out, optional [rows, cols]: silu(gate) * up; may alias dout
    const void* dout = nullptr;  // [rows, cols] dtype
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t gate_stride = 0;
    int64_t up_stride = 0;
    int64_t out_stride = 0;
    int64_t dout_stride = 0;
};

/// Bytes moved: 3 * rows * cols elements.
void swiglu_forward(const SwigluForward& params);
/// Bytes moved: 5 * rows * cols elements, 6 with out.
void swiglu_backward(const SwigluBackward& params);

void swiglu_reference_forward(const SwigluForward& params);
void swiglu_reference_backward(const SwigluBackward& params);

}  // namespace dayrun::kernels
