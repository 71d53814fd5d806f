// The fast CPU version of causal_softmax.h: vector code in causal_softmax_rows.inc.
#include "kernels/causal_softmax/causal_softmax.h"

#include <type_traits>

#define DAYRUN_SIMD_FILE "kernels/causal_softmax/causal_softmax_rows.inc"
#include "kernels/common/simd_levels.inc"

namespace dayrun::kernels {

void causal_softmax_forward(float* scores, float* total, float* logsumexp, int64_t logsumexp_stride,
                            const CausalBlock& block) {
    DAYRUN_SIMD_CALL(forward_block)(scores, total, logsumexp, logsumexp_stride, block);
}

void causal_softmax_backward(float* scores, float* dprobabilities, const float* logsumexp,
                             int64_t logsumexp_stride, const float* delta,
                             const CausalBlock& block) {
    DAYRUN_SIMD_CALL(backward_block)
    (scores, dprobabilities, logsumexp, logsumexp_stride, delta, block);
}

}  // namespace dayrun::kernels
