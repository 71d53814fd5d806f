// The fast CPU version of rope.h: tokens in parallel, vector code in rope_rows.inc.
#include "kernels/common/parallel.h"
#include "kernels/rope/rope.h"

#define DAYRUN_SIMD_FILE "kernels/rope/rope_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {
namespace {

void rotate(Rope p, float sign) {
    if (p.rotary_dim == 0) p.rotary_dim = p.head_dim;
    if (p.q_stride == 0) p.q_stride = p.q_heads * p.head_dim;
    if (p.k_stride == 0) p.k_stride = p.k_heads * p.head_dim;
    const int64_t token_bytes = 2 * (p.q_heads + p.k_heads) * p.rotary_dim * element_bytes(p.dtype);
    with_dtype(p.dtype, [&](auto element) {
        const auto tokens = DAYRUN_SIMD_CALL(rotate_tokens<decltype(element)>);
        parallel_for(p.tokens, grain_for(token_bytes),
                     [&](int64_t begin, int64_t end) { tokens(p, sign, begin, end); });
    });
}

}  // namespace

void rope_forward(const Rope& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.rope_forward, params);
    }
    rotate(params, 1.0f);
}

void rope_backward(const Rope& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.rope_backward, params);
    }
    rotate(params, -1.0f);
}

}  // namespace dayrun::kernels
