// Plain loops in double: the definition of right for dora.h.
#include <cmath>

#include "kernels/dora/dora_strides.h"

namespace dayrun::kernels {
namespace {

template <class T>
double element(const void* rows, int64_t stride, int64_t row, int64_t col) {
    return to_float(static_cast<const T*>(rows)[row * stride + col]);
}

template <class T>
void forward(const DoraForward& p) {
    for (int64_t row = 0; row < p.tokens; ++row) {
        for (int64_t col = 0; col < p.cols; ++col) {
            const double s = p.scale[col];
            double y = element<T>(p.out, p.out_stride, row, col) +
                       (s - 1.0) * element<T>(p.base, p.base_stride, row, col) +
                       s * element<T>(p.lora, p.lora_stride, row, col);
            if (p.bias != nullptr) y += to_float(static_cast<const T*>(p.bias)[col]);
            static_cast<T*>(p.out)[row * p.out_stride + col] = round_to<T>(static_cast<float>(y));
        }
    }
}

template <class T>
void scale(const DoraScale& p) {
    for (int64_t row = 0; row < p.tokens; ++row) {
        for (int64_t col = 0; col < p.cols; ++col) {
            const double factor = static_cast<double>(p.scale[col]) - p.minus;
            static_cast<T*>(p.out)[row * p.out_stride + col] =
                round_to<T>(static_cast<float>(factor * element<T>(p.dy, p.dy_stride, row, col)));
        }
    }
}

template <class T>
void magnitude(const DoraMagnitude& p) {
    for (int64_t col = 0; col < p.cols; ++col) {
        double sum = 0.0;
        for (int64_t row = 0; row < p.tokens; ++row) {
            sum += element<T>(p.dy, p.dy_stride, row, col) *
                   (element<T>(p.base, p.base_stride, row, col) +
                    element<T>(p.lora, p.lora_stride, row, col));
        }
        if (p.norm[col] > 0.0f) p.dmagnitude[col] += static_cast<float>(sum / p.norm[col]);
    }
}

}  // namespace

void dora_reference_norms(const DoraNorms& p) {
    for (int64_t row = 0; row < p.rows; ++row) {
        double squares = 0.0;
        for (int64_t col = 0; col < p.cols; ++col) {
            const double value = p.weight[row * p.cols + col];
            squares += value * value;
        }
        p.norm[row] = static_cast<float>(std::sqrt(squares));
        if (p.scale == nullptr) continue;
        p.scale[row] = p.norm[row] > 0.0f ? p.magnitude[row] / p.norm[row] : 1.0f;
    }
}

void dora_reference_forward(const DoraForward& params) {
    with_dtype(params.dtype,
               [&](auto element) { forward<decltype(element)>(with_dense_strides(params)); });
}

void dora_reference_scale(const DoraScale& params) {
    with_dtype(params.dtype,
               [&](auto element) { scale<decltype(element)>(with_dense_strides(params)); });
}

void dora_reference_magnitude(const DoraMagnitude& params) {
    with_dtype(params.dtype,
               [&](auto element) { magnitude<decltype(element)>(with_dense_strides(params)); });
}

}  // namespace dayrun::kernels
