// The fast CPU version of rms_norm.h: rows in parallel, vector code in rms_norm_rows.inc.
// A row is read twice, the second time from the first-level cache.
#include "kernels/common/parallel.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rms_norm/rms_norm_row.h"

namespace dayrun::kernels {
namespace {

constexpr int64_t kRowBlock = 64;     // rows of one partial sum of dweight
constexpr int64_t kColumnSlice = 64;  // columns whose partial sums stay in the first-level cache

}  // namespace
}  // namespace dayrun::kernels

#define DAYRUN_SIMD_FILE "kernels/rms_norm/rms_norm_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void rms_norm_forward(const RmsNormForward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.rms_norm_forward, params);
    }
    const RmsNormForward p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        with_dtype(p.weight_dtype, [&](auto weight_element) {
            using T = decltype(element);
            using W = decltype(weight_element);
            const auto rows = DAYRUN_SIMD_CALL(forward_rows<T, W>);
            parallel_for(p.tokens * p.heads, grain_for(2 * p.cols * element_bytes(p.dtype)),
                         [&](int64_t begin, int64_t end) { rows(p, begin, end); });
        });
    });
}

void rms_norm_backward(const RmsNormBackward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.rms_norm_backward, params);
    }
    const RmsNormBackward p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        // Before dx, which may overwrite dy.
        if (p.dweight != nullptr) {
            const auto columns = DAYRUN_SIMD_CALL(weight_gradient_columns<T>);
            const int64_t slice_bytes =
                2 * p.tokens * p.heads * kColumnSlice * element_bytes(p.dtype);
            parallel_for((p.cols + kColumnSlice - 1) / kColumnSlice, grain_for(slice_bytes),
                         [&](int64_t begin, int64_t end) {
                             columns(p, begin * kColumnSlice, std::min(p.cols, end * kColumnSlice));
                         });
        }
        with_dtype(p.weight_dtype, [&](auto weight_element) {
            using W = decltype(weight_element);
            const auto rows = DAYRUN_SIMD_CALL(backward_rows<T, W>);
            parallel_for(p.tokens * p.heads, grain_for(3 * p.cols * element_bytes(p.dtype)),
                         [&](int64_t begin, int64_t end) { rows(p, begin, end); });
        });
    });
}

}  // namespace dayrun::kernels
