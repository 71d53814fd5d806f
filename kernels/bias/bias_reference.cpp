// Plain loops: the definition of right. Neighbour: bias.h.
#include "kernels/bias/bias.h"

namespace dayrun::kernels {

void bias_reference_fill(const BiasFill& p) {
    const int64_t stride = p.y_stride != 0 ? p.y_stride : p.cols;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        for (int64_t r = 0; r < p.rows; ++r) {
            for (int64_t c = 0; c < p.cols; ++c) {
                static_cast<T*>(p.y)[r * stride + c] = static_cast<const T*>(p.bias)[c];
            }
        }
    });
}

void bias_reference_backward(const BiasBackward& p) {
    const int64_t stride = p.dy_stride != 0 ? p.dy_stride : p.cols;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        for (int64_t c = 0; c < p.cols; ++c) {
            double sum = 0;
            for (int64_t r = 0; r < p.rows; ++r) {
                sum += to_float(static_cast<const T*>(p.dy)[r * stride + c]);
            }
            p.dbias[c] += static_cast<float>(sum);
        }
    });
}

}  // namespace dayrun::kernels
