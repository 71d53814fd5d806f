// The fast CPU version of convert.h: rows in parallel, vector code in convert_rows.inc.
#include "kernels/convert/convert.h"

#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/convert/convert_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void convert_rows(const ConvertRows& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.convert_rows, params);
    }
    ConvertRows p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    if (p.x_stride == 0) p.x_stride = p.cols;
    with_dtype(p.out_dtype, [&](auto out) {
        with_dtype(p.x_dtype, [&](auto x) {
            const auto rows = DAYRUN_SIMD_CALL(copy_rows<decltype(out), decltype(x)>);
            parallel_for(p.rows, grain_for(8 * p.cols),
                         [&](int64_t begin, int64_t end) { rows(p, begin, end); });
        });
    });
}

}  // namespace dayrun::kernels
