// What one optimizer step leaves where its gradients are: the loss so far, the gradient norm, the
// clip coefficient and the flag that stops the optimizer. The optimizer reads clip and skip by
// address, so on a device nothing waits for the host, which reads the whole gate later.
//   add_losses:  loss += (sum of losses, in order) / divisor
//   close_step:  norm = 2-norm of all gradients, clip = clip_coefficient(norm, max_norm),
//                skip = a gradient or the loss is not finite, or `skips` was set
// Neighbours: grad_norm, adamw, core/engine. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/grad_norm/grad_norm.h"

namespace dayrun::kernels {

/// Zeros are the start of a step.
struct StepGate {
    double loss = 0;   // of the micro-batches so far
    double norm = 0;   // before clipping
    float clip = 0;    // what the gradients are multiplied with
    int32_t skip = 0;  // nonzero: the step must change nothing
};

struct AddLosses {
    StepGate* gate = nullptr;       // in and out: loss
    const float* losses = nullptr;  // [count]
    int64_t count = 0;
    double divisor = 1;
};

struct CloseStep {
    StepGate* gate = nullptr;  // in: loss; out: norm, clip, skip
    const GradTensor* tensors = nullptr;
    int64_t tensor_count = 0;
    double max_norm = 0;  // 0: no clipping
    bool skips = false;   // the caller knows already that nothing may change
};

/// Bytes moved: 4 per loss.
void add_losses(const AddLosses& params);
/// Bytes moved: 4 per gradient.
void close_step(const CloseStep& params);

}  // namespace dayrun::kernels
