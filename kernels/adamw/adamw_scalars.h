// The numbers of one AdamW step as the vector code and the device use them.
// Neighbours: adamw_cpu.cpp, adamw_body.h.
#pragma once

#include <cmath>

#include "kernels/adamw/adamw.h"

namespace dayrun::kernels {

struct AdamwScalars {
    double learning_rate;
    float one_minus_beta1;
    float beta2;
    float one_minus_beta2;
    float step_size;         // lr / (1 - b1^t)
    float root_correction2;  // sqrt(1 - b2^t)
    float eps;
};

inline AdamwScalars adamw_scalars(const AdamwStep& step) {
    const double t = static_cast<double>(step.step);
    AdamwScalars s;
    s.learning_rate = step.learning_rate;
    s.one_minus_beta1 = static_cast<float>(1.0 - step.beta1);
    s.beta2 = static_cast<float>(step.beta2);
    s.one_minus_beta2 = static_cast<float>(1.0 - step.beta2);
    s.step_size = static_cast<float>(step.learning_rate / (1.0 - std::pow(step.beta1, t)));
    s.root_correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(step.beta2, t)));
    s.eps = static_cast<float>(step.eps);
    return s;
}

/// What weight decay leaves of a parameter.
inline float adamw_keep(double learning_rate, float weight_decay) {
    return static_cast<float>(1.0 - learning_rate * weight_decay);
}

}  // namespace dayrun::kernels
