// Plain loops in double, states rounded to float32 as stored: the definition of right for adamw.h.
#include <cmath>

#include "kernels/adamw/adamw.h"

namespace dayrun::kernels {

void adamw_reference_step(const AdamwUpdate& update) {
    const AdamwTensor* const tensors = update.tensors;
    const int64_t tensor_count = update.tensor_count;
    const AdamwStep& step = update.step;
    if (step.skip != nullptr && *step.skip != 0) return;
    const double t = static_cast<double>(step.step);
    const double correction1 = 1.0 - std::pow(step.beta1, t);
    const double correction2 = 1.0 - std::pow(step.beta2, t);
    const double scale = step.grad_scale != nullptr ? *step.grad_scale : 1.0;
    for (int64_t k = 0; k < tensor_count; ++k) {
        const AdamwTensor& tensor = tensors[k];
        for (int64_t i = 0; i < tensor.count; ++i) {
            const double g = tensor.grad[i] * scale;
            double p = tensor.param[i] * (1.0 - step.learning_rate * tensor.weight_decay);
            const double m = step.beta1 * tensor.m[i] + (1.0 - step.beta1) * g;
            const double v = step.beta2 * tensor.v[i] + (1.0 - step.beta2) * g * g;
            p -= step.learning_rate / correction1 * m /
                 (std::sqrt(v) / std::sqrt(correction2) + step.eps);
            tensor.m[i] = static_cast<float>(m);
            tensor.v[i] = static_cast<float>(v);
            tensor.param[i] = static_cast<float>(p);
            if (tensor.param_copy != nullptr) tensor.param_copy[i] = to_bfloat16(tensor.param[i]);
        }
    }
}

}  // namespace dayrun::kernels
