// Plain loops: the definition of right. Neighbour: gather_rows.h.
#include "kernels/gather_rows/gather_rows.h"

namespace dayrun::kernels {

void gather_rows_reference(const GatherRows& p) {
    const int64_t out_stride = p.out_stride != 0 ? p.out_stride : p.cols;
    const int64_t from_stride = p.from_stride != 0 ? p.from_stride : p.cols;
    with_dtype(p.dtype, [&](auto element) {
        using T = decltype(element);
        for (int64_t r = 0; r < p.rows; ++r) {
            for (int64_t c = 0; c < p.cols; ++c) {
                T& to = static_cast<T*>(p.out)[r * out_stride + c];
                to = p.source[r] < 0 ? round_to<T>(0.0F)
                                     : static_cast<const T*>(p.from)[p.source[r] * from_stride + c];
            }
        }
    });
}

}  // namespace dayrun::kernels
