// The row work of attention between its matrix products, on one block of float32 scores.
// Row r is the query at position first_query + r, column c the key at first_key + c; a query sees
// the keys up to its own position, and of those the last `window` when that is not 0.
//   forward:  s becomes exp(s - max of its row);  total = row sum;  logsumexp = max + log(total)
//   backward: p = exp(s - logsumexp);  ds = p * (dp - delta), delta = sum over d of dout * out
// What a query does not see becomes 0 in both, so that the products after it need no mask.
// With bfloat16 products the results go to matrices of that type instead, and the float32 ones
// hold nothing of use afterwards; totals are those of the unrounded values.
// Neighbour: core/engine/attention. Any thread; serial, since the caller is parallel over heads.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

struct CausalBlock {
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t stride = 0;  // elements between rows of every [rows, cols] matrix
    int64_t first_query = 0;
    int64_t first_key = 0;
    int64_t window = 0;  // 0: all earlier keys
};

/// total and logsumexp have one value per row; logsumexp's are `logsumexp_stride` apart.
void causal_softmax_forward(float* scores, float* total, float* logsumexp, int64_t logsumexp_stride,
                            const CausalBlock& block, bfloat16* narrow = nullptr);
/// scores become the probabilities, dprobabilities the gradient of the scores.
void causal_softmax_backward(float* scores, float* dprobabilities, const float* logsumexp,
                             int64_t logsumexp_stride, const float* delta, const CausalBlock& block,
                             bfloat16* narrow = nullptr, bfloat16* dnarrow = nullptr);

/// delta[r] of the backward, from rows of `cols` values.
struct CausalDelta {
    float* delta = nullptr;
    const void* dout = nullptr;
    const void* out = nullptr;
    Dtype dtype = Dtype::Float32;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t dout_stride = 0;
    int64_t out_stride = 0;
};
void causal_softmax_delta(const CausalDelta& params);
void causal_softmax_reference_delta(const CausalDelta& params);

void causal_softmax_reference_forward(float* scores, float* total, float* logsumexp,
                                      int64_t logsumexp_stride, const CausalBlock& block);
void causal_softmax_reference_backward(float* scores, float* dprobabilities, const float* logsumexp,
                                       int64_t logsumexp_stride, const float* delta,
                                       const CausalBlock& block);

}  // namespace dayrun::kernels
