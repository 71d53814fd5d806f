// The fast CPU version of swiglu.h: rows in parallel, vector code in swiglu_rows.inc.
#include "kernels/common/parallel.h"
#include "kernels/swiglu/swiglu.h"

#define DAYRUN_SIMD_FILE "kernels/swiglu/swiglu_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void swiglu_forward(const SwigluForward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.swiglu_forward, params);
    }
    SwigluForward p = params;
    for (int64_t* stride : {&p.out_stride, &p.gate_stride, &p.up_stride}) {
        if (*stride == 0) *stride = p.cols;
    }
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(forward_rows<decltype(element)>);
        parallel_for(p.rows, grain_for(3 * p.cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

void swiglu_backward(const SwigluBackward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.swiglu_backward, params);
    }
    SwigluBackward p = params;
    for (int64_t* stride : {&p.gate_stride, &p.up_stride, &p.out_stride, &p.dout_stride}) {
        if (*stride == 0) *stride = p.cols;
    }
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(backward_rows<decltype(element)>);
        parallel_for(p.rows, grain_for(5 * p.cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

}  // namespace dayrun::kernels
