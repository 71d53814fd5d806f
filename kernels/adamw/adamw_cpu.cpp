// The fast CPU version of adamw.h: chunks of all tensors in parallel, one pass over memory.
#include <cmath>

#include "kernels/adamw/adamw.h"
#include "kernels/common/chunks.h"
#include "kernels/common/parallel.h"

namespace dayrun::kernels {
namespace {

constexpr int64_t kChunk = 16384;

/// The step's numbers as the vector code uses them.
struct AdamwScalars {
    double learning_rate;
    float one_minus_beta1;
    float beta2;
    float one_minus_beta2;
    float step_size;         // lr / (1 - b1^t)
    float root_correction2;  // sqrt(1 - b2^t)
    float eps;
    float grad_scale;
};

AdamwScalars scalars_of(const AdamwStep& step) {
    const double t = static_cast<double>(step.step);
    AdamwScalars s;
    s.learning_rate = step.learning_rate;
    s.one_minus_beta1 = static_cast<float>(1.0 - step.beta1);
    s.beta2 = static_cast<float>(step.beta2);
    s.one_minus_beta2 = static_cast<float>(1.0 - step.beta2);
    s.step_size = static_cast<float>(step.learning_rate / (1.0 - std::pow(step.beta1, t)));
    s.root_correction2 = static_cast<float>(std::sqrt(1.0 - std::pow(step.beta2, t)));
    s.eps = static_cast<float>(step.eps);
    s.grad_scale = step.grad_scale != nullptr ? *step.grad_scale : 1.0f;
    return s;
}

}  // namespace
}  // namespace dayrun::kernels

#define DAYRUN_SIMD_FILE "kernels/adamw/adamw_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void adamw_step(const AdamwTensor* tensors, int64_t tensor_count, const AdamwStep& step) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.adamw_step, tensors, tensor_count, step);
    }
    if (step.skip != nullptr && *step.skip != 0) return;
    const AdamwScalars scalars = scalars_of(step);
    const auto update = DAYRUN_SIMD_CALL(update_chunk);
    parallel_for(chunk_count(tensors, tensor_count, kChunk), 1, [&](int64_t begin, int64_t end) {
        for_each_chunk(tensors, tensor_count, kChunk, begin, end,
                       [&](int64_t, const AdamwTensor& tensor, int64_t offset, int64_t count) {
                           update(tensor, scalars, offset, count);
                       });
    });
}

}  // namespace dayrun::kernels
