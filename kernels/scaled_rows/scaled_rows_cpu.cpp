// The fast CPU version of scaled_rows.h: vector code in scaled_rows_rows.inc.
#include "kernels/scaled_rows/scaled_rows.h"

#include <type_traits>

#define DAYRUN_SIMD_FILE "kernels/scaled_rows/scaled_rows_rows.inc"
#include "kernels/common/simd_levels.inc"

namespace dayrun::kernels {

void scaled_rows(const ScaledRows& params) {
    with_dtype(params.out_dtype, [&](auto out) {
        with_dtype(params.x_dtype, [&](auto x) {
            DAYRUN_SIMD_CALL(rows<decltype(out), decltype(x)>)(params);
        });
    });
}

}  // namespace dayrun::kernels
