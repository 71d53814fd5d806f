// Plain loops: the definition of right for adamw8bit.h. Float32 throughout, because the stored
// codes depend on its roundings.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/adamw8bit/adamw8bit.h"
#include "kernels/adamw8bit/adamw8bit_states.h"
#include "kernels/common/chunks.h"

namespace dayrun::kernels {
namespace {

void update_block(const Adamw8bitTensor& tensor, const Adamw8bitScalars& s, int64_t offset,
                  int64_t count) {
    const int64_t block = offset / kAdamw8bitBlockSize;
    const float keep = static_cast<float>(1.0 - s.learning_rate * tensor.weight_decay);
    float m[kAdamw8bitBlockSize], v[kAdamw8bitBlockSize];
    float absmax1 = 0.0f, absmax2 = 0.0f;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t at = offset + i;
        const float g = tensor.grad[at] * s.grad_scale;
        m[i] = s.map1[tensor.state1[at]] * tensor.absmax1[block] * s.beta1 + g * s.one_minus_beta1;
        v[i] =
            s.map2[tensor.state2[at]] * tensor.absmax2[block] * s.beta2 + g * g * s.one_minus_beta2;
        if (std::isfinite(g)) {
            const float update = m[i] / (std::sqrt(v[i]) + s.eps) * s.step_size;
            tensor.param[at] = tensor.param[at] * keep - update;
        } else {
            m[i] = v[i] = 0.0f;
        }
        if (tensor.param_copy != nullptr) tensor.param_copy[at] = to_bfloat16(tensor.param[at]);
        absmax1 = std::max(absmax1, std::abs(m[i]));
        absmax2 = std::max(absmax2, v[i]);
    }
    tensor.absmax1[block] = absmax1;
    tensor.absmax2[block] = absmax2;
    requantize_block(s, m, v, absmax1, absmax2, count, tensor.state1 + offset,
                     tensor.state2 + offset);
}

}  // namespace

void adamw8bit_reference_step(const Adamw8bitUpdate& update) {
    const Adamw8bitTensor* const tensors = update.tensors;
    const int64_t tensor_count = update.tensor_count;
    const AdamwStep& step = update.step;
    if (step.skip != nullptr && *step.skip != 0) return;
    const Adamw8bitScalars scalars = adamw8bit_scalars(step);
    for_each_chunk(tensors, tensor_count, kAdamw8bitBlockSize, 0,
                   chunk_count(tensors, tensor_count, kAdamw8bitBlockSize),
                   [&](int64_t, const Adamw8bitTensor& tensor, int64_t offset, int64_t count) {
                       update_block(tensor, scalars, offset, count);
                   });
}

}  // namespace dayrun::kernels
