// Plain loops that define what scaled_rows computes. Neighbour: scaled_rows.h.
#include "kernels/scaled_rows/scaled_rows.h"

namespace dayrun::kernels {

void scaled_rows_reference(const ScaledRows& params) {
    with_dtype(params.out_dtype, [&](auto out_type) {
        with_dtype(params.x_dtype, [&](auto x_type) {
            using Out = decltype(out_type);
            using In = decltype(x_type);
            for (int64_t row = 0; row < params.rows; ++row) {
                Out* const out = static_cast<Out*>(params.out) + row * params.out_stride;
                const In* const x = static_cast<const In*>(params.x) + row * params.x_stride;
                const float factor = params.factor != nullptr ? params.factor[row] : 1.0f;
                for (int64_t c = 0; c < params.cols; ++c) {
                    out[c] = round_to<Out>(to_float(x[c]) * factor);
                }
            }
        });
    });
}

}  // namespace dayrun::kernels
