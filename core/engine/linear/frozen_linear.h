// A frozen weight and its products: dense in the type that activations have, or NF4, whose rows are
// dequantized piece by piece into working memory and multiplied there (QLoRA: the whole dense
// weight never exists). A product with NF4 runs in quantization.compute_dtype, its input cast to
// that type and its result cast back. Nothing of it is kept for the backward but the codes.
// Neighbours: gemm.h, kernels/nf4. Lives on the run thread; torch-free.
#pragma once

#include "core/engine/linear/gemm.h"
#include "core/engine/linear/linear_scratch.h"
#include "kernels/nf4/nf4.h"

namespace dayrun::engine {

struct FrozenWeight {
    Matrix dense;                          // [out, in], or empty
    kernels::Nf4Weight nf4;                // else this
    Dtype compute_dtype = Dtype::Float32;  // of products with nf4

    FrozenWeight() = default;
    FrozenWeight(const Matrix& weight) : dense(weight) {}  // NOLINT: a dense weight is one

    bool is_nf4() const { return nf4.codes != nullptr; }
    int64_t rows() const { return is_nf4() ? nf4.rows : dense.rows; }
    int64_t cols() const { return is_nf4() ? nf4.cols : dense.cols; }
};

/// Most bytes of a weight that are dequantized at once; a memory plan counts the smaller of this
/// and the largest weight.
inline constexpr int64_t kDequantizedBytes = int64_t{64} << 20;
/// Rows of a weight that are dequantized at once.
int64_t dequantized_rows(int64_t rows, int64_t cols, Dtype dtype,
                         int64_t most_bytes = kDequantizedBytes);

/// out[T, out] = x[T, in] W^T + beta * out.
void multiply_frozen(const Matrix& out, const Matrix& x, const FrozenWeight& weight, float beta,
                     LinearScratch& scratch, int64_t most_bytes = kDequantizedBytes);
/// dx[T, in] = dy[T, out] W + beta * dx.
void multiply_frozen_back(const Matrix& dx, const Matrix& dy, const FrozenWeight& weight,
                          float beta, LinearScratch& scratch,
                          int64_t most_bytes = kDequantizedBytes);
/// Rows of the weight as the products see them, as float32.
void read_weight_rows(const Matrix& out, const FrozenWeight& weight, int64_t begin);

}  // namespace dayrun::engine
