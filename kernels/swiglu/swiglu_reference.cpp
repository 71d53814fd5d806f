// Plain loops in double: the definition of right for swiglu.h.
#include <cmath>

#include "kernels/swiglu/swiglu.h"

namespace dayrun::kernels {
namespace {

int64_t or_dense(int64_t stride, int64_t cols) {
    return stride != 0 ? stride : cols;
}

template <class T>
void forward(const SwigluForward& p) {
    for (int64_t row = 0; row < p.rows; ++row) {
        const T* gate = static_cast<const T*>(p.gate) + row * or_dense(p.gate_stride, p.cols);
        const T* up = static_cast<const T*>(p.up) + row * or_dense(p.up_stride, p.cols);
        T* out = static_cast<T*>(p.out) + row * or_dense(p.out_stride, p.cols);
        for (int64_t i = 0; i < p.cols; ++i) {
            const double g = to_float(gate[i]);
            out[i] = round_to<T>(static_cast<float>(g / (1.0 + std::exp(-g)) * to_float(up[i])));
        }
    }
}

template <class T>
void backward(const SwigluBackward& p) {
    for (int64_t row = 0; row < p.rows; ++row) {
        T* gate = static_cast<T*>(p.gate) + row * or_dense(p.gate_stride, p.cols);
        T* up = static_cast<T*>(p.up) + row * or_dense(p.up_stride, p.cols);
        const T* dout = static_cast<const T*>(p.dout) + row * or_dense(p.dout_stride, p.cols);
        T* out = static_cast<T*>(p.out);
        if (out != nullptr) out += row * or_dense(p.out_stride, p.cols);
        for (int64_t i = 0; i < p.cols; ++i) {
            const double g = to_float(gate[i]);
            const double u = to_float(up[i]);
            const double d = to_float(dout[i]);
            const double share = 1.0 / (1.0 + std::exp(-g));
            if (out != nullptr) out[i] = round_to<T>(static_cast<float>(g * share * u));
            const double slope = share * (1.0 + g * (1.0 - share));
            gate[i] = round_to<T>(static_cast<float>(d * u * slope));
            up[i] = round_to<T>(static_cast<float>(d * g * share));
        }
    }
}

}  // namespace

void swiglu_reference_forward(const SwigluForward& params) {
    with_dtype(params.dtype, [&](auto element) { forward<decltype(element)>(params); });
}

void swiglu_reference_backward(const SwigluBackward& params) {
    with_dtype(params.dtype, [&](auto element) { backward<decltype(element)>(params); });
}

}  // namespace dayrun::kernels
