// Plain loops: the definition of right for dropout.h.
#include "kernels/dropout/dropout.h"

namespace dayrun::kernels {
namespace {

template <class T>
void apply(const Dropout& p) {
    const int64_t x_stride = p.x_stride != 0 ? p.x_stride : p.cols;
    const int64_t out_stride = p.out_stride != 0 ? p.out_stride : p.cols;
    const DropoutRule rule = dropout_rule(p.probability);
    for (int64_t row = 0; row < p.rows; ++row) {
        for (int64_t col = 0; col < p.cols; ++col) {
            const uint32_t half = random_half(p.stream, (p.first_row + row) * p.cols + col);
            const bool is_kept = half >= rule.threshold;
            const float x = to_float(static_cast<const T*>(p.x)[row * x_stride + col]);
            T& out = static_cast<T*>(p.out)[row * out_stride + col];
            const float value = x * (is_kept ? rule.scale : 0.0f);
            out = round_to<T>(p.into == DropoutInto::Add ? value + to_float(out) : value);
        }
    }
}

}  // namespace

void dropout_reference_apply(const Dropout& params) {
    with_dtype(params.dtype, [&](auto element) { apply<decltype(element)>(params); });
}

}  // namespace dayrun::kernels
