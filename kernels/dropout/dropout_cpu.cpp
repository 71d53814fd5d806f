// The fast CPU version of dropout.h: rows in parallel, vector code in dropout_rows.inc.
#include "kernels/dropout/dropout.h"

#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/dropout/dropout_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void dropout_apply(const Dropout& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.dropout_apply, params);
    }
    Dropout p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    if (p.x_stride == 0) p.x_stride = p.cols;
    const DropoutRule rule = dropout_rule(p.probability);
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(apply_rows<decltype(element)>);
        parallel_for(p.rows, grain_for(4 * p.cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, rule, begin, end); });
    });
}

}  // namespace dayrun::kernels
