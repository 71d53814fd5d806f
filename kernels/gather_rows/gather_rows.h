// Rows by index: out[r] = from[source[r]], and zero where source[r] is negative. With the inverse
// index it scatters: every output row is written once, so nothing needs clearing first.
// Neighbour: core/engine/loss. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct GatherRows {
    void* out = nullptr;              // out [rows, cols] dtype
    const void* from = nullptr;       // [any, cols] dtype
    const int32_t* source = nullptr;  // [rows]: a row of `from`, or negative for zeros
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;   // elements between rows; 0 means cols
    int64_t from_stride = 0;  // elements between rows; 0 means cols
};

/// Bytes moved: 2 * rows * cols elements, half of it where rows are zero.
void gather_rows(const GatherRows& params);
void gather_rows_reference(const GatherRows& params);

}  // namespace dayrun::kernels
