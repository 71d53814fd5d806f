// The fast CPU version of few_rows.h: columns in parallel, vector code in few_rows_tiles.inc.
#include "kernels/few_rows/few_rows.h"

#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/few_rows/few_rows_tiles.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void few_rows_product(const FewRowsProduct& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.few_rows_product, params);
    }
    FewRowsProduct p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    if (p.x_stride == 0) p.x_stride = p.inner;
    if (p.w_stride == 0) p.w_stride = p.inner;
    with_dtype(p.dtype, [&](auto element) {
        const auto range = DAYRUN_SIMD_CALL(columns<decltype(element)>);
        // A small product costs by its additions, not by its bytes: hence the rows.
        parallel_for(p.cols, grain_for(p.inner * element_bytes(p.dtype) * (p.rows + 3) / 4),
                     [&](int64_t begin, int64_t end) { range(p, begin, end); });
    });
}

}  // namespace dayrun::kernels
