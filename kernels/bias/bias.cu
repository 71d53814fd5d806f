// The bias of a linear module on a device (bias.h has the meaning).
// Shapes: [rows, cols], rows tokens, cols the outputs of q, k and v in Qwen (1,024 to 5,120).
// Bytes moved: fill rows * cols elements of T, backward the same, read.
// Why so: the fill writes what the matrix product then adds to (its beta is 1), so the addition
// itself costs nothing. The backward is only for full training; its order is fixed.
#include "kernels/bias/bias_body.h"

namespace dayrun::kernels {

// ---- device code: bias_body.h --------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_bias_fill(const BiasFill& params, DeviceStream stream) {
    BiasFill p = params;
    if (p.y_stride == 0) p.y_stride = p.cols;
    const int64_t bytes = element_bytes(p.dtype);
    return launch_packed_rows<BiasFillBody>(p, p.dtype, {p.rows, p.cols},
                                            {{p.y, bytes, p.y_stride}, {p.bias, bytes, 0}}, stream);
}

DeviceStatus launch_bias_backward(const BiasBackward& p, DeviceStream stream) {
    const int64_t stride = p.dy_stride != 0 ? p.dy_stride : p.cols;
    DeviceStatus status = kDeviceSuccess;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        const BiasGradient<T> source{static_cast<const T*>(p.dy), stride};
        status = launch_column_sums(source, p.dbias, p.rows, p.cols, stream);
    });
    return status;
}

}  // namespace dayrun::kernels
