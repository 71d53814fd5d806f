// Plain loops: the definition of right for neftune.h.
#include "kernels/neftune/neftune.h"

namespace dayrun::kernels {
namespace {

template <class T>
void add(const Neftune& p) {
    const int64_t stride = p.stride != 0 ? p.stride : p.cols;
    for (int64_t t = 0; t < p.tokens; ++t) {
        for (int64_t col = 0; col < p.cols; ++col) {
            T& x = static_cast<T*>(p.x)[t * stride + col];
            const double unit = unit_float(random_word(p.stream, t * p.cols + col));
            x = round_to<T>(static_cast<float>(to_float(x) + (2.0 * unit - 1.0) * p.scale[t]));
        }
    }
}

}  // namespace

void neftune_reference_add(const Neftune& params) {
    with_dtype(params.dtype, [&](auto element) { add<decltype(element)>(params); });
}

}  // namespace dayrun::kernels
