// The fast CPU version of causal_softmax.h: vector code in causal_softmax_rows.inc.
#include "kernels/causal_softmax/causal_softmax.h"

#include <type_traits>

#define DAYRUN_SIMD_FILE "kernels/causal_softmax/causal_softmax_rows.inc"
#include "kernels/common/simd_levels.inc"

namespace dayrun::kernels {

void causal_softmax_forward(float* scores, float* total, float* logsumexp, int64_t logsumexp_stride,
                            const CausalBlock& block, bfloat16* narrow) {
    if (narrow != nullptr) {
        return DAYRUN_SIMD_CALL(forward_block<bfloat16>)(scores, narrow, total, logsumexp,
                                                         logsumexp_stride, block);
    }
    DAYRUN_SIMD_CALL(forward_block<float>)
    (scores, scores, total, logsumexp, logsumexp_stride, block);
}

void causal_softmax_backward(float* scores, float* dprobabilities, const float* logsumexp,
                             int64_t logsumexp_stride, const float* delta, const CausalBlock& block,
                             bfloat16* narrow, bfloat16* dnarrow) {
    if (narrow != nullptr) {
        return DAYRUN_SIMD_CALL(backward_block<bfloat16>)(
            scores, dprobabilities, narrow, dnarrow, logsumexp, logsumexp_stride, delta, block);
    }
    DAYRUN_SIMD_CALL(backward_block<float>)
    (scores, dprobabilities, scores, dprobabilities, logsumexp, logsumexp_stride, delta, block);
}

void causal_softmax_delta(const CausalDelta& params) {
    with_dtype(params.dtype, [&](auto element) {
        DAYRUN_SIMD_CALL(delta_rows<decltype(element)>)(params);
    });
}

}  // namespace dayrun::kernels
