// The fast CPU version of neftune.h: tokens in parallel, vector code in neftune_rows.inc.
#include "kernels/neftune/neftune.h"

#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/neftune/neftune_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void neftune_add(const Neftune& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.neftune_add, params);
    }
    Neftune p = params;
    if (p.stride == 0) p.stride = p.cols;
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(add_rows<decltype(element)>);
        parallel_for(p.tokens, grain_for(4 * p.cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

}  // namespace dayrun::kernels
