// A few sums: the plain loops are the fast version as well. Neighbour: step_gate.h.
#include <cmath>

#include "kernels/device/device_ops.h"
#include "kernels/step_gate/step_gate.h"

namespace dayrun::kernels {

void add_losses(const AddLosses& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.add_losses, params);
    }
    double sum = 0;
    for (int64_t i = 0; i < params.count; ++i) sum += params.losses[i];
    params.gate->loss += sum / params.divisor;
}

void close_step(const CloseStep& params) {
    if (DeviceQueue* const device = device_queue()) {
        return device->launch(device->ops.close_step, params);
    }
    const GradNorm norm = grad_norm(params.tensors, params.tensor_count);
    params.gate->norm = norm.norm;
    params.gate->clip = clip_coefficient(norm.norm, params.max_norm);
    const bool is_finite = norm.finite && std::isfinite(params.gate->loss);
    params.gate->skip = params.skips || !is_finite ? 1 : 0;
}

}  // namespace dayrun::kernels
