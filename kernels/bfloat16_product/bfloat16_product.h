// Sums of matrix products in bfloat16 with float32 sums, for processors with AVX512-BF16.
//   out[m, n] = sum over terms t of alpha_t * (x_t w_t)[m, n] + bias[n] + beta * out[m, n]
// All terms of an element stay in one register from the first to the last, so a linear layer and
// its adapter are one product that is rounded once. Columns of w are taken 64 at a time into a
// packed panel of pairs along the inner axis, made anew by every call so that no second copy of the
// weights exists; the next panel's weights are fetched while the sums of this one run. An element's
// sum has one order that depends on the inner extents alone: rows have the same bits in any batch
// and on any threads. vdpbf16ps takes denormal inputs as zero and flushes denormal sums to zero,
// whatever the thread's own rounding mode says: values below 1.2e-38 do not exist here.
// Measured on a Zen 4 core whose vdpbf16ps reach 235 GFLOP/s: 218 to 226 on 1024 x 1536 x 576 and
// 1024 x 576 x 1536, where oneDNN reached 180 to 205.
// Neighbour: core/engine/linear/gemm.h chooses it. The threads are those of parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// Whether this processor can run the functions below and has not been lowered (simd.h).
bool has_bfloat16_product();

enum class WeightForm {
    ColsByInner,  // w [cols, inner]: the forward of a linear layer
    InnerByCols,  // w [inner, cols]: the gradient of its input
};

struct ProductTerm {
    const bfloat16* x = nullptr;  // [rows, inner]
    const bfloat16* w = nullptr;
    int64_t inner = 0;
    int64_t x_stride = 0;
    int64_t w_stride = 0;
    WeightForm form = WeightForm::ColsByInner;
    float alpha = 1.0f;
};

struct Bfloat16Product {
    void* out = nullptr;  // [rows, cols]
    Dtype out_dtype = Dtype::BFloat16;
    const ProductTerm* terms = nullptr;
    int64_t term_count = 0;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t out_stride = 0;
    const bfloat16* bias = nullptr;  // [cols], or null
    float beta = 0.0f;               // 0: out is not read
};

void bfloat16_product(const Bfloat16Product& params);

/// out[m, n] += alpha * sum over rows r of y[r, m] x[r, n]: the gradient of a weight. Sums run over
/// blocks of 1,024 rows.
struct Bfloat16OuterProduct {
    float* out = nullptr;         // [y_cols, x_cols], dense
    const bfloat16* y = nullptr;  // [rows, y_cols]
    const bfloat16* x = nullptr;  // [rows, x_cols]
    int64_t rows = 0;
    int64_t y_cols = 0;
    int64_t x_cols = 0;
    int64_t y_stride = 0;
    int64_t x_stride = 0;
    float alpha = 1.0f;
};

void bfloat16_outer_product(const Bfloat16OuterProduct& params);

/// Plain loops in float64, rounded once.
void bfloat16_product_reference(const Bfloat16Product& params);
void bfloat16_outer_product_reference(const Bfloat16OuterProduct& params);

}  // namespace dayrun::kernels
