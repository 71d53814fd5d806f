// Matrix products on views: the three forms that a linear layer needs, with the output given.
// float32 goes to oneDNN when the product is large and to MKL's sgemm when it is small (oneDNN
// costs about 14 us a call but runs 8 to 14 % faster on 1024 x 288 x 768, measured on a Zen 4
// core); bfloat16 goes to the own kernel where the processor has the instructions for it
// (kernels/bfloat16_product), else to oneDNN. A forward of few rows, as in generation, goes to a
// kernel whose rows do not depend on each other (kernels/few_rows). The choice depends on the shape
// alone, so results repeat. On a device the three forms are its own products
// (device/accelerator.h). The libraries run on the
// thread that calls them; their products are cut into one slice a thread here. Neighbour:
// linear_group.h. Lives on the run thread.
#pragma once

#include <span>

#include "core/engine/buffer.h"
#include "core/engine/linear/product.h"

namespace dayrun::engine {

/// out[M, N] = alpha * x[M, K] w[N, K]^T + beta * out: the forward of a linear layer.
void multiply_nt(const Matrix& out, const Matrix& x, const Matrix& w, float alpha = 1.0F,
                 float beta = 0.0F);
/// out[M, N] = alpha * x[M, K] w[K, N] + beta * out: the gradient of its input.
void multiply_nn(const Matrix& out, const Matrix& x, const Matrix& w, float alpha = 1.0F,
                 float beta = 0.0F);
/// out[N, K] += alpha * y[M, N]^T x[M, K], out dense float32 whatever the inputs are: the gradient
/// of its weight, summed over tokens without rounding to the inputs' type.
void add_multiply_tn(float* out, const Matrix& y, const Matrix& x, float alpha = 1.0F);

/// out = bias + sum of the terms, rounded once where the own kernel runs; bias [1, N] or empty. The
/// largest product stands last: elsewhere it comes first, and the others are added to it.
void multiply_sum(const Matrix& out, std::span<const SumTerm> terms, const Matrix& bias = {});

/// Gives back the working memory that the calling thread's products have left for later ones.
void release_product_scratch();

/// multiply_sum by the forms above, one term after the other.
void multiply_one_by_one(const Matrix& out, std::span<const SumTerm> terms, const Matrix& bias);

/// Three forms for small blocks inside a parallel task: float32 by MKL's sgemm, bfloat16 by the own
/// kernel. Results are float32. out = alpha * x w^T, out = alpha * x w, out += alpha * y^T x.
void block_nt(const Matrix& out, const Matrix& x, const Matrix& w, float alpha);
void block_nn(const Matrix& out, const Matrix& x, const Matrix& w, float alpha);
void add_block_tn(const Matrix& out, const Matrix& y, const Matrix& x, float alpha);

}  // namespace dayrun::engine
