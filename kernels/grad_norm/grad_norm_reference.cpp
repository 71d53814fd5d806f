// A plain loop in long double: the definition of right for grad_norm.h.
#include <cmath>

#include "kernels/grad_norm/grad_norm.h"

namespace dayrun::kernels {

GradNorm grad_norm_reference(const GradTensor* tensors, int64_t tensor_count) {
    long double total = 0.0L;
    bool finite = true;
    for (int64_t k = 0; k < tensor_count; ++k) {
        for (int64_t i = 0; i < tensors[k].count; ++i) {
            const float value = tensors[k].grad[i];
            finite = finite && std::isfinite(value);
            total += static_cast<long double>(value) * value;
        }
    }
    return {static_cast<double>(std::sqrt(total)), finite};
}

}  // namespace dayrun::kernels
