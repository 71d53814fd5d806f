// Plain loops with double sums: the definition of right for rms_norm.h.
#include <cmath>
#include <vector>

#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rms_norm/rms_norm_row.h"

namespace dayrun::kernels {
namespace {

template <class T, class W>
void forward(const RmsNormForward& p) {
    const W* weight = static_cast<const W*>(p.weight);
    std::vector<T> kept(static_cast<size_t>(p.cols));
    for (int64_t row = 0; row < p.tokens * p.heads; ++row) {
        const T* x = row_at<const T>(p.x, p.x_stride, row, p.heads, p.cols);
        const T* residual = row_at<const T>(p.residual, p.residual_stride, row, p.heads, p.cols);
        T* h = row_at<T>(p.h, p.h_stride, row, p.heads, p.cols);
        T* y = row_at<T>(p.y, p.y_stride, row, p.heads, p.cols);
        double sum = 0.0;
        for (int64_t i = 0; i < p.cols; ++i) {
            const float added = residual != nullptr ? to_float(residual[i]) : 0.0f;
            kept[i] = residual != nullptr ? round_to<T>(to_float(x[i]) + added) : x[i];
            sum += static_cast<double>(to_float(kept[i])) * to_float(kept[i]);
        }
        const double rstd = 1.0 / std::sqrt(sum / static_cast<double>(p.cols) + p.eps);
        if (p.rstd != nullptr) p.rstd[row] = static_cast<float>(rstd);
        for (int64_t i = 0; i < p.cols; ++i) {
            const T normed = round_to<T>(static_cast<float>(to_float(kept[i]) * rstd));
            if (h != nullptr) h[i] = kept[i];
            y[i] = round_to<T>(to_float(normed) * to_float(weight[i]));
        }
    }
}

template <class T, class W>
void backward(const RmsNormBackward& p) {
    const W* weight = static_cast<const W*>(p.weight);
    std::vector<double> dweight(static_cast<size_t>(p.cols), 0.0);
    std::vector<double> gradient(static_cast<size_t>(p.cols));
    for (int64_t row = 0; row < p.tokens * p.heads; ++row) {
        const T* x = row_at<const T>(p.x, p.x_stride, row, p.heads, p.cols);
        const T* dy = row_at<const T>(p.dy, p.dy_stride, row, p.heads, p.cols);
        const T* dresidual = row_at<const T>(p.dresidual, p.dresidual_stride, row, p.heads, p.cols);
        T* dx = row_at<T>(p.dx, p.dx_stride, row, p.heads, p.cols);
        const double rstd = p.rstd[row];
        double dot = 0.0;
        for (int64_t i = 0; i < p.cols; ++i) {
            const T normed = round_to<T>(static_cast<float>(to_float(x[i]) * rstd));
            dweight[i] += static_cast<double>(to_float(dy[i])) * to_float(normed);
            gradient[i] = static_cast<double>(to_float(dy[i])) * to_float(weight[i]);
            dot += gradient[i] * to_float(x[i]) * rstd;
        }
        const double mean = dot / static_cast<double>(p.cols);
        for (int64_t i = 0; i < p.cols; ++i) {
            double value = rstd * (gradient[i] - to_float(x[i]) * rstd * mean);
            if (dresidual != nullptr) value += to_float(dresidual[i]);
            dx[i] = round_to<T>(static_cast<float>(value));
        }
    }
    if (p.dweight == nullptr) return;
    for (int64_t i = 0; i < p.cols; ++i) {
        p.dweight[i] = static_cast<float>(p.dweight[i] + dweight[i]);
    }
}

}  // namespace

void rms_norm_reference_forward(const RmsNormForward& params) {
    const RmsNormForward p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        with_dtype(p.weight_dtype,
                   [&](auto weight) { forward<decltype(element), decltype(weight)>(p); });
    });
}

void rms_norm_reference_backward(const RmsNormBackward& params) {
    const RmsNormBackward p = with_dense_strides(params);
    with_dtype(p.dtype, [&](auto element) {
        with_dtype(p.weight_dtype,
                   [&](auto weight) { backward<decltype(element), decltype(weight)>(p); });
    });
}

}  // namespace dayrun::kernels
