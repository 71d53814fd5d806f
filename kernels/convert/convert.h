// Rows from one number format to another: out = x, or out += x. Float32 inside, rounded once to
// out's type (to nearest, ties to even).
// Neighbour: core/engine/linear/frozen_linear.cpp. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct ConvertRows {
    void* out = nullptr;      // out [rows, cols] out_dtype
    const void* x = nullptr;  // [rows, cols] x_dtype
    Dtype out_dtype = Dtype::Float32;
    Dtype x_dtype = Dtype::Float32;
    bool adds = false;  // out += x instead of out = x
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;  // elements between rows; 0 means cols
    int64_t x_stride = 0;    // elements between rows; 0 means cols
};

/// Bytes moved: the elements of both sides, out's twice when it adds.
void convert_rows(const ConvertRows& params);
void convert_reference_rows(const ConvertRows& params);

}  // namespace dayrun::kernels
