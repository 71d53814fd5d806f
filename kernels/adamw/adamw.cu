// AdamW over many tensors on a device (adamw.h has the formulas); the CPU's results to the bit.
// Shapes: flat float32 tensors; 448 of some 65,536 to 1,835,008 elements for LoRA on Llama-3.1-8B.
// Bytes moved: 28 per element, 30 with the bfloat16 copy.
// Why so: chunks of 4,096 elements of all tensors in one launch, four packs of 16 bytes per thread
// and operand; the list of tensors travels in the kernel's parameters (tensor_batch.h), 360 of them
// at once. The clip coefficient and the skip flag are read where an earlier kernel left them.
#include "kernels/adamw/adamw_body.h"

#include <vector>

namespace dayrun::kernels {

// ---- device code: adamw_body.h -------------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_adamw_step(const AdamwUpdate& update, DeviceStream stream) {
    const AdamwStep& step = update.step;
    AdamwBody body;
    body.scalars = adamw_scalars(step);
    body.grad_scale = step.grad_scale;
    body.skip = step.skip;
    std::vector<AdamwDeviceTensor> prepared;
    prepared.reserve(static_cast<std::size_t>(update.tensor_count));
    for (int64_t i = 0; i < update.tensor_count; ++i) {
        const AdamwTensor& t = update.tensors[i];
        const bool is_packed = packs_fit(
            4, {{t.param, 4, 0}, {t.m, 4, 0}, {t.v, 4, 0}, {t.grad, 4, 0}, {t.param_copy, 2, 0}});
        prepared.push_back({t, t.count, adamw_keep(step.learning_rate, t.weight_decay), is_packed});
    }
    return launch_batches(body, prepared.data(), update.tensor_count, stream, [](AdamwBody&) {});
}

}  // namespace dayrun::kernels
