// Whole rows by memcpy. Neighbour: gather_rows.h.
#include <cstring>

#include "kernels/common/parallel.h"
#include "kernels/device/device_ops.h"
#include "kernels/gather_rows/gather_rows.h"

namespace dayrun::kernels {

void gather_rows(const GatherRows& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.gather_rows, params);
    }
    const int64_t element = element_bytes(params.dtype);
    const int64_t row_bytes = params.cols * element;
    const int64_t out_bytes = params.out_stride != 0 ? params.out_stride * element : row_bytes;
    const int64_t from_bytes = params.from_stride != 0 ? params.from_stride * element : row_bytes;
    const auto size = static_cast<size_t>(row_bytes);
    parallel_for(params.rows, grain_for(2 * row_bytes), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            char* const to = static_cast<char*>(params.out) + row * out_bytes;
            const int64_t source = params.source[row];
            if (source < 0) {
                std::memset(to, 0, size);
            } else {
                std::memcpy(to, static_cast<const char*>(params.from) + source * from_bytes, size);
            }
        }
    });
}

}  // namespace dayrun::kernels
