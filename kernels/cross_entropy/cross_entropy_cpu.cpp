// The fast CPU version of cross_entropy.h: rows in parallel, vector code in
// cross_entropy_rows.inc.
#include "kernels/common/parallel.h"
#include "kernels/cross_entropy/cross_entropy.h"

#include <type_traits>

#define DAYRUN_SIMD_FILE "kernels/cross_entropy/cross_entropy_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void cross_entropy_forward(const CrossEntropy& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.cross_entropy_forward, params);
    }
    CrossEntropy p = params;
    if (p.stride == 0) p.stride = p.vocab;
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(loss_rows<decltype(element)>);
        parallel_for(p.rows, grain_for(p.vocab * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

void cross_entropy_forward_backward(const CrossEntropy& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.cross_entropy_forward_backward, params);
    }
    CrossEntropy p = params;
    if (p.stride == 0) p.stride = p.vocab;
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(gradient_rows<decltype(element)>);
        parallel_for(p.rows, grain_for(2 * p.vocab * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

}  // namespace dayrun::kernels
