// Plain loops: the definition of right for causal_softmax.h.
#include <cmath>
#include <limits>

#include "kernels/causal_softmax/causal_softmax.h"

namespace dayrun::kernels {
namespace {

bool is_seen(const CausalBlock& b, int64_t r, int64_t c) {
    const int64_t query = b.first_query + r, key = b.first_key + c;
    return key <= query && (b.window <= 0 || key > query - b.window);
}

}  // namespace

void causal_softmax_reference_forward(float* scores, float* total, float* logsumexp,
                                      int64_t logsumexp_stride, const CausalBlock& b) {
    for (int64_t r = 0; r < b.rows; ++r) {
        float* const row = scores + r * b.stride;
        float top = -std::numeric_limits<float>::infinity();
        for (int64_t c = 0; c < b.cols; ++c) {
            if (is_seen(b, r, c) && row[c] > top) top = row[c];
        }
        double sum = 0;
        for (int64_t c = 0; c < b.cols; ++c) {
            const double e = is_seen(b, r, c) ? std::exp(double{row[c]} - double{top}) : 0.0;
            row[c] = static_cast<float>(e);
            sum += e;
        }
        total[r] = static_cast<float>(sum);
        logsumexp[r * logsumexp_stride] = static_cast<float>(top + std::log(sum));
    }
}

void causal_softmax_reference_backward(float* scores, float* dprobabilities, const float* logsumexp,
                                       int64_t logsumexp_stride, const float* delta,
                                       const CausalBlock& b) {
    for (int64_t r = 0; r < b.rows; ++r) {
        for (int64_t c = 0; c < b.cols; ++c) {
            float& s = scores[r * b.stride + c];
            float& d = dprobabilities[r * b.stride + c];
            const double p = is_seen(b, r, c)
                                 ? std::exp(double{s} - double{logsumexp[r * logsumexp_stride]})
                                 : 0.0;
            d = is_seen(b, r, c) ? static_cast<float>(p * (double{d} - double{delta[r]})) : 0.0F;
            s = static_cast<float>(p);
        }
    }
}

void causal_softmax_reference_delta(const CausalDelta& c) {
    with_dtype(c.dtype, [&](auto element) {
        using T = decltype(element);
        for (int64_t r = 0; r < c.rows; ++r) {
            const T* const dout = static_cast<const T*>(c.dout) + r * c.dout_stride;
            const T* const out = static_cast<const T*>(c.out) + r * c.out_stride;
            double sum = 0;
            for (int64_t d = 0; d < c.cols; ++d) {
                sum +=
                    static_cast<double>(to_float(dout[d])) * static_cast<double>(to_float(out[d]));
            }
            c.delta[r] = static_cast<float>(sum);
        }
    });
}

}  // namespace dayrun::kernels
