// The fast CPU version of dora.h: rows in parallel (columns for the sum over tokens), vector code
// in dora_rows.inc.
#include <cmath>

#include "kernels/common/parallel.h"
#include "kernels/dora/dora_strides.h"

namespace dayrun::kernels {
namespace {

constexpr int64_t kTokenBlock = 64;   // tokens of one partial sum
constexpr int64_t kColumnSlice = 64;  // columns whose partial sums stay in the first-level cache

}  // namespace
}  // namespace dayrun::kernels

#define DAYRUN_SIMD_FILE "kernels/dora/dora_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void dora_norms(const DoraNorms& p) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.dora_norms, p);
    }
    const auto rows = DAYRUN_SIMD_CALL(norm_rows);
    parallel_for(p.rows, grain_for(4 * p.cols),
                 [&](int64_t begin, int64_t end) { rows(p, begin, end); });
}

void dora_forward(const DoraForward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.dora_forward, params);
    }
    const DoraForward p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(forward_rows<decltype(element)>);
        parallel_for(p.tokens, grain_for(4 * p.cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

void dora_scale(const DoraScale& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.dora_scale, params);
    }
    const DoraScale p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        const auto rows = DAYRUN_SIMD_CALL(scale_rows<decltype(element)>);
        parallel_for(p.tokens, grain_for(2 * p.cols * element_bytes(p.dtype)),
                     [&](int64_t begin, int64_t end) { rows(p, begin, end); });
    });
}

void dora_magnitude(const DoraMagnitude& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.dora_magnitude, params);
    }
    const DoraMagnitude p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        const auto columns = DAYRUN_SIMD_CALL(magnitude_columns<decltype(element)>);
        const int64_t slice_bytes = 2 * p.tokens * kColumnSlice * element_bytes(p.dtype);
        parallel_for((p.cols + kColumnSlice - 1) / kColumnSlice, grain_for(slice_bytes),
                     [&](int64_t begin, int64_t end) {
                         columns(p, begin * kColumnSlice, std::min(p.cols, end * kColumnSlice));
                     });
    });
}

}  // namespace dayrun::kernels
