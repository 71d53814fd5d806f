// The numbers of a step and the requantization of a block of states: shared by the reference and
// the fast version of adamw8bit.h, since the stored codes must agree to the bit.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/adamw8bit/adamw8bit.h"
#include "kernels/blockwise8/blockwise8.h"

namespace dayrun::kernels {

struct Adamw8bitScalars {
    double learning_rate;
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float step_size;  // lr * sqrt(1 - b2^t) / (1 - b1^t)
    float eps;        // eps * sqrt(1 - b2^t)
    float grad_scale;
    const float* map1;
    const float* map2;
    const NearestCode* nearest1;
    const NearestCode* nearest2;
};

inline Adamw8bitScalars adamw8bit_scalars(const AdamwStep& step) {
    const double t = static_cast<double>(step.step);
    const double correction1 = 1.0 - std::pow(step.beta1, t);
    const double correction2 = std::sqrt(1.0 - std::pow(step.beta2, t));
    Adamw8bitScalars s;
    s.learning_rate = step.learning_rate;
    s.beta1 = static_cast<float>(step.beta1);
    s.one_minus_beta1 = static_cast<float>(1.0 - step.beta1);
    s.beta2 = static_cast<float>(step.beta2);
    s.one_minus_beta2 = static_cast<float>(1.0 - step.beta2);
    s.step_size = static_cast<float>(step.learning_rate * correction2 / correction1);
    s.eps = static_cast<float>(step.eps * correction2);
    s.grad_scale = step.grad_scale != nullptr ? *step.grad_scale : 1.0f;
    s.map1 = dynamic_map(MapSign::Signed);
    s.map2 = dynamic_map(MapSign::Unsigned);
    s.nearest1 = &NearestCode::of(MapSign::Signed);
    s.nearest2 = &NearestCode::of(MapSign::Unsigned);
    return s;
}

/// Codes of the new moments, over the block's new absmax. In a block of zeros every code is that
/// of 0, and the absmax of 0 makes its value 0.
inline void requantize_block(const Adamw8bitScalars& s, const float* m, const float* v,
                             float absmax1, float absmax2, int64_t count, uint8_t* state1,
                             uint8_t* state2) {
    const float inverse1 = absmax1 > 0.0f ? 1.0f / absmax1 : 0.0f;
    const float inverse2 = absmax2 > 0.0f ? 1.0f / absmax2 : 0.0f;
    for (int64_t i = 0; i < count; ++i) {
        state1[i] = (*s.nearest1)(m[i] * inverse1);
        state2[i] = (*s.nearest2)(v[i] * inverse2);
    }
}

}  // namespace dayrun::kernels
