// Rows by memcpy forward; slices of columns backward. Neighbour: bias.h.
#include <algorithm>
#include <cstring>

#include "kernels/bias/bias.h"
#include "kernels/common/parallel.h"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void bias_fill(const BiasFill& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.bias_fill, params);
    }
    const int64_t element = element_bytes(params.dtype);
    const int64_t row_bytes = params.cols * element;
    const int64_t step = params.y_stride != 0 ? params.y_stride * element : row_bytes;
    parallel_for(params.rows, grain_for(row_bytes), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            std::memcpy(static_cast<char*>(params.y) + row * step, params.bias,
                        static_cast<size_t>(row_bytes));
        }
    });
}

// Each slice walks the rows in order: the same sums under any threads.
void bias_backward(const BiasBackward& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.bias_backward, params);
    }
    constexpr int64_t kSlice = 64;
    const int64_t stride = params.dy_stride != 0 ? params.dy_stride : params.cols;
    const int64_t slices = (params.cols + kSlice - 1) / kSlice;
    with_dtype(params.dtype, [&](auto element) {
        using T = decltype(element);
        const auto* const dy = static_cast<const T*>(params.dy);
        parallel_for(slices, grain_for(params.rows * kSlice * element_bytes(params.dtype)),
                     [&](int64_t begin, int64_t end) {
                         const int64_t last = std::min(end * kSlice, params.cols);
                         for (int64_t row = 0; row < params.rows; ++row) {
                             for (int64_t c = begin * kSlice; c < last; ++c) {
                                 params.dbias[c] += to_float(dy[row * stride + c]);
                             }
                         }
                     });
    });
}

}  // namespace dayrun::kernels
