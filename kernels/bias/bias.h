// The bias of a linear module. The forward fills the output with it before the product is added;
// the backward sums the output's gradient over tokens.
//   y[t] = bias;   dbias[c] += sum over t of dy[t, c]
// Neighbour: core/engine/linear. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct BiasFill {
    void* y = nullptr;           // out [rows, cols] dtype
    const void* bias = nullptr;  // [cols] dtype
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t y_stride = 0;  // elements between rows; 0 means cols
};

struct BiasBackward {
    float* dbias = nullptr;    // in and out [cols]: added to
    const void* dy = nullptr;  // [rows, cols] dtype
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t dy_stride = 0;  // elements between rows; 0 means cols
};

/// Bytes moved: rows * cols elements.
void bias_fill(const BiasFill& params);
/// Rows are added in order in float32, whatever the threads. Bytes moved: rows * cols elements.
void bias_backward(const BiasBackward& params);

void bias_reference_fill(const BiasFill& params);
void bias_reference_backward(const BiasBackward& params);

}  // namespace dayrun::kernels
