// One matrix product as a value, and one term of a sum of them. Neighbours: gemm.h computes them on
// the host, device/accelerator.h on a device. Any thread; torch-free.
#pragma once

#include "core/engine/buffer.h"
#include "kernels/bfloat16_product/bfloat16_product.h"

namespace dayrun::engine {

enum class Transpose { No, Yes };

/// out[M, N] = alpha * op(a) op(b) + beta * out, row-major, float32 sums whatever the types are.
struct Product {
    Matrix out, a, b;
    Transpose transpose_a = Transpose::No;
    Transpose transpose_b = Transpose::No;
    float alpha = 1.0F;
    float beta = 0.0F;
};

/// One product of a sum: alpha * x w^T with w [N, K], or alpha * x w with w [K, N].
struct SumTerm {
    Matrix x, w;
    kernels::WeightForm form = kernels::WeightForm::ColsByInner;
    float alpha = 1.0F;
};

}  // namespace dayrun::engine
