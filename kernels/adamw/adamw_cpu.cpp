// The fast CPU version of adamw.h: chunks of all tensors in parallel, one pass over memory.
#include "kernels/adamw/adamw.h"
#include "kernels/adamw/adamw_scalars.h"
#include "kernels/common/chunks.h"
#include "kernels/common/parallel.h"

namespace dayrun::kernels {
namespace {

constexpr int64_t kChunk = 16384;

}  // namespace
}  // namespace dayrun::kernels

#define DAYRUN_SIMD_FILE "kernels/adamw/adamw_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void adamw_step(const AdamwUpdate& update) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.adamw_step, update);
    }
    const AdamwTensor* const tensors = update.tensors;
    const int64_t tensor_count = update.tensor_count;
    const AdamwStep& step = update.step;
    if (step.skip != nullptr && *step.skip != 0) return;
    const AdamwScalars scalars = adamw_scalars(step);
    const float grad_scale = step.grad_scale != nullptr ? *step.grad_scale : 1.0f;
    const auto update_one = DAYRUN_SIMD_CALL(update_chunk);
    parallel_for(chunk_count(tensors, tensor_count, kChunk), 1, [&](int64_t begin, int64_t end) {
        for_each_chunk(tensors, tensor_count, kChunk, begin, end,
                       [&](int64_t, const AdamwTensor& tensor, int64_t offset, int64_t count) {
                           update_one(tensor, scalars, grad_scale, offset, count);
                       });
    });
}

}  // namespace dayrun::kernels
