// Plain loops: the definition of right for bfloat16_product.h. Any thread.
#include "kernels/bfloat16_product/bfloat16_product.h"

namespace dayrun::kernels {
namespace {

double term_value(const ProductTerm& term, int64_t m, int64_t n) {
    const bool by_cols = term.form == WeightForm::ColsByInner;
    double sum = 0;
    for (int64_t k = 0; k < term.inner; ++k) {
        const bfloat16 w = by_cols ? term.w[n * term.w_stride + k] : term.w[k * term.w_stride + n];
        sum += static_cast<double>(to_float(term.x[m * term.x_stride + k])) *
               static_cast<double>(to_float(w));
    }
    return static_cast<double>(term.alpha) * sum;
}

template <class T>
void product(const Bfloat16Product& p) {
    for (int64_t m = 0; m < p.rows; ++m) {
        T* const out = static_cast<T*>(p.out) + m * p.out_stride;
        for (int64_t n = 0; n < p.cols; ++n) {
            double sum = p.bias != nullptr ? static_cast<double>(to_float(p.bias[n])) : 0.0;
            for (int64_t t = 0; t < p.term_count; ++t) sum += term_value(p.terms[t], m, n);
            if (p.beta != 0.0f) {
                sum += static_cast<double>(p.beta) * static_cast<double>(to_float(out[n]));
            }
            out[n] = round_to<T>(static_cast<float>(sum));
        }
    }
}

}  // namespace

void bfloat16_product_reference(const Bfloat16Product& params) {
    with_dtype(params.out_dtype, [&](auto element) { product<decltype(element)>(params); });
}

void bfloat16_outer_product_reference(const Bfloat16OuterProduct& p) {
    for (int64_t m = 0; m < p.y_cols; ++m) {
        for (int64_t n = 0; n < p.x_cols; ++n) {
            double sum = 0;
            for (int64_t r = 0; r < p.rows; ++r) {
                sum += static_cast<double>(to_float(p.y[r * p.y_stride + m])) *
                       static_cast<double>(to_float(p.x[r * p.x_stride + n]));
            }
            p.out[m * p.x_cols + n] += static_cast<float>(static_cast<double>(p.alpha) * sum);
        }
    }
}

}  // namespace dayrun::kernels
