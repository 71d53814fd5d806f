// The product of few rows with a weight, as generation needs it: one row a text.
//   out[m, n] = alpha * sum over k of x[m, k] w[n, k] + beta * out[m, n]
// Every element depends on its own two rows alone and is summed in one order, whatever the number
// of rows: a text gets the same bits alone and in a batch. Libraries for large products change
// their order with the shape. Bytes: w once per four rows of x.
// Neighbour: core/engine/linear/gemm.h chooses it. The threads are those of parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// Up to this many rows it is at least as fast as a library's product.
constexpr int64_t kFewRows = 16;

struct FewRowsProduct {
    void* out = nullptr;      // [rows, cols]
    const void* x = nullptr;  // [rows, inner]
    const void* w = nullptr;  // [cols, inner]
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t inner = 0;
    int64_t out_stride = 0;  // 0: cols
    int64_t x_stride = 0;    // 0: inner
    int64_t w_stride = 0;    // 0: inner
    float alpha = 1.0f;
    float beta = 0.0f;  // 0: out is not read
};

void few_rows_product(const FewRowsProduct& params);

/// Plain loops in float64, rounded once.
void few_rows_product_reference(const FewRowsProduct& params);

}  // namespace dayrun::kernels
