// Plain loops in double: the definition of right for cross_entropy.h.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cross_entropy/cross_entropy.h"

namespace dayrun::kernels {
namespace {

enum class Gradient { No, Yes };

template <class T>
void one_row(const CrossEntropy& p, int64_t row, Gradient gradient) {
    T* z = static_cast<T*>(p.logits) + row * (p.stride != 0 ? p.stride : p.vocab);
    const int64_t label = p.labels[row];
    if (label < 0 || label >= p.vocab) {
        const float value = label == kIgnoredLabel ? 0.0f : std::numeric_limits<float>::quiet_NaN();
        p.loss[row] = value;
        if (p.logsumexp != nullptr) p.logsumexp[row] = value;
        if (gradient == Gradient::Yes) std::fill(z, z + p.vocab, round_to<T>(value));
        return;
    }
    double top = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < p.vocab; ++i) top = std::max(top, static_cast<double>(to_float(z[i])));
    const double own_logit = to_float(z[label]);
    const double own = std::exp(own_logit - top);
    double others = 0.0;
    for (int64_t i = 0; i < p.vocab; ++i) {
        if (i != label) others += std::exp(to_float(z[i]) - top);
    }
    const double loss =
        others > own ? std::log(others + own) + (top - own_logit) : std::log1p(others / own);
    p.loss[row] = static_cast<float>(loss);
    if (p.logsumexp != nullptr) p.logsumexp[row] = static_cast<float>(top + std::log(others + own));
    if (gradient == Gradient::No) return;
    const double scale =
        static_cast<double>(p.grad_scale) * (p.row_scale != nullptr ? p.row_scale[row] : 1.0f);
    for (int64_t i = 0; i < p.vocab; ++i) {
        const double share = i == label ? -others : std::exp(to_float(z[i]) - top);
        z[i] = round_to<T>(static_cast<float>(share / (others + own) * scale));
    }
}

void all_rows(const CrossEntropy& p, Gradient gradient) {
    with_dtype(p.dtype, [&](auto element) {
        for (int64_t row = 0; row < p.rows; ++row) one_row<decltype(element)>(p, row, gradient);
    });
}

}  // namespace

void cross_entropy_reference_forward(const CrossEntropy& params) {
    all_rows(params, Gradient::No);
}

void cross_entropy_reference_forward_backward(const CrossEntropy& params) {
    all_rows(params, Gradient::Yes);
}

}  // namespace dayrun::kernels
