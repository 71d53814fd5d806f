// Plain loops: the definition of right for convert.h.
#include "kernels/convert/convert.h"

namespace dayrun::kernels {
namespace {

template <class Out, class In>
void convert(const ConvertRows& p) {
    const int64_t out_stride = p.out_stride != 0 ? p.out_stride : p.cols;
    const int64_t x_stride = p.x_stride != 0 ? p.x_stride : p.cols;
    for (int64_t row = 0; row < p.rows; ++row) {
        for (int64_t col = 0; col < p.cols; ++col) {
            Out& out = static_cast<Out*>(p.out)[row * out_stride + col];
            const float x = to_float(static_cast<const In*>(p.x)[row * x_stride + col]);
            out = round_to<Out>(p.adds ? to_float(out) + x : x);
        }
    }
}

}  // namespace

void convert_reference_rows(const ConvertRows& params) {
    with_dtype(params.out_dtype, [&](auto out) {
        with_dtype(params.x_dtype, [&](auto x) { convert<decltype(out), decltype(x)>(params); });
    });
}

}  // namespace dayrun::kernels
