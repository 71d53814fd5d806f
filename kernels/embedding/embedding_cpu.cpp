// The fast CPU version of embedding.h: gather by tokens, scatter by slices of columns.
#include "kernels/embedding/embedding.h"

#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/embedding/embedding_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void embedding_forward(const EmbeddingForward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.embedding_forward, params);
    }
    EmbeddingForward p = params;
    if (p.out_stride == 0) p.out_stride = p.cols;
    with_dtype(p.dtype, [&](auto element) {
        with_dtype(p.table_dtype, [&](auto table_element) {
            const auto rows =
                DAYRUN_SIMD_CALL(gather_rows<decltype(element), decltype(table_element)>);
            parallel_for(p.tokens, grain_for(2 * p.cols * element_bytes(p.dtype)),
                         [&](int64_t begin, int64_t end) { rows(p, begin, end); });
        });
    });
}

void embedding_backward(const EmbeddingBackward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.embedding_backward, params);
    }
    constexpr int64_t kColumnSlice = 64;
    EmbeddingBackward p = params;
    if (p.dout_stride == 0) p.dout_stride = p.cols;
    with_dtype(p.dtype, [&](auto element) {
        const auto columns = DAYRUN_SIMD_CALL(scatter_columns<decltype(element)>);
        const int64_t slice_bytes = 2 * p.tokens * kColumnSlice * element_bytes(p.dtype);
        parallel_for((p.cols + kColumnSlice - 1) / kColumnSlice, grain_for(slice_bytes),
                     [&](int64_t begin, int64_t end) {
                         columns(p, begin * kColumnSlice, std::min(p.cols, end * kColumnSlice));
                     });
    });
}

}  // namespace dayrun::kernels
