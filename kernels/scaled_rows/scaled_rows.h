// Rows times one factor each, from one element type to another:
//   out[r, c] = round(x[r, c] * factor[r]),  factor 1 where none is given
// Attention widens its bfloat16 heads with it and stores its float32 sums. Bytes moved: one read
// and one write of each element. Neighbour: core/engine/attention. Any thread; serial, since the
// caller is parallel over heads.
#pragma once

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct ScaledRows {
    void* out = nullptr;
    const void* x = nullptr;
    const float* factor = nullptr;  // [rows], or null
    Dtype out_dtype = Dtype::Float32;
    Dtype x_dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;  // elements between rows
    int64_t x_stride = 0;
};

void scaled_rows(const ScaledRows& params);
void scaled_rows_reference(const ScaledRows& params);

}  // namespace dayrun::kernels
