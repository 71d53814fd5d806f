// Plain loops: the definition of right for few_rows.h. Any thread.
#include "kernels/few_rows/few_rows.h"

namespace dayrun::kernels {
namespace {

template <class T>
void product(const FewRowsProduct& p) {
    const int64_t out_stride = p.out_stride > 0 ? p.out_stride : p.cols;
    const int64_t x_stride = p.x_stride > 0 ? p.x_stride : p.inner;
    const int64_t w_stride = p.w_stride > 0 ? p.w_stride : p.inner;
    for (int64_t m = 0; m < p.rows; ++m) {
        const T* x = static_cast<const T*>(p.x) + m * x_stride;
        T* out = static_cast<T*>(p.out) + m * out_stride;
        for (int64_t n = 0; n < p.cols; ++n) {
            const T* w = static_cast<const T*>(p.w) + n * w_stride;
            double sum = 0;
            for (int64_t k = 0; k < p.inner; ++k) {
                sum += static_cast<double>(to_float(x[k])) * static_cast<double>(to_float(w[k]));
            }
            sum *= static_cast<double>(p.alpha);
            if (p.beta != 0.0f) sum += static_cast<double>(p.beta * to_float(out[n]));
            out[n] = round_to<T>(static_cast<float>(sum));
        }
    }
}

}  // namespace

void few_rows_product_reference(const FewRowsProduct& params) {
    with_dtype(params.dtype, [&](auto element) { product<decltype(element)>(params); });
}

}  // namespace dayrun::kernels
