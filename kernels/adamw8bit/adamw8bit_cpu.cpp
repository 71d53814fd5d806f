// The fast CPU version of adamw8bit.h: blocks of all tensors in parallel, one pass over memory.
#include "kernels/adamw8bit/adamw8bit.h"

#include "kernels/adamw8bit/adamw8bit_states.h"
#include "kernels/common/chunks.h"
#include "kernels/common/parallel.h"

#define DAYRUN_SIMD_FILE "kernels/adamw8bit/adamw8bit_rows.inc"
#include "kernels/common/simd_levels.inc"
#include "kernels/device/device_ops.h"

namespace dayrun::kernels {

void adamw8bit_step(const Adamw8bitUpdate& update) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.adamw8bit_step, update);
    }
    const Adamw8bitTensor* const tensors = update.tensors;
    const int64_t tensor_count = update.tensor_count;
    const AdamwStep& step = update.step;
    if (step.skip != nullptr && *step.skip != 0) return;
    const Adamw8bitScalars scalars = adamw8bit_scalars(step);
    const auto update_one = DAYRUN_SIMD_CALL(update_block);
    constexpr int64_t kBlocksPerTask = 32;
    parallel_for(chunk_count(tensors, tensor_count, kAdamw8bitBlockSize), kBlocksPerTask,
                 [&](int64_t begin, int64_t end) {
                     for_each_chunk(
                         tensors, tensor_count, kAdamw8bitBlockSize, begin, end,
                         [&](int64_t, const Adamw8bitTensor& tensor, int64_t offset,
                             int64_t count) { update_one(tensor, scalars, offset, count); });
                 });
}

}  // namespace dayrun::kernels
