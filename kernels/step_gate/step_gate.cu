// The loss, the gradient norm and the flags of a step on a device (step_gate.h has the meaning):
// everything stays there, so the step waits for nobody.
// Shapes: losses [count]; gradients, float32, of up to some thousand tensors.
// Bytes moved: 4 per loss, 4 per gradient element.
// Why so: the norm is two kernels, since nobody may add before all have their part: up to 1,024
// blocks with a fixed share of the chunks each, then one block. Float64 sums, whose order the
// shapes alone fix, cannot overflow, and are finite exactly when every gradient is. The list of
// tensors travels in the parameters (tensor_batch.h), 1,000 at once. The 8 KiB between the two
// kernels are the module's own: one step at a time closes on a device.
#include "kernels/step_gate/step_gate_body.h"

#include "kernels/common/chunks.h"

namespace dayrun::kernels {
namespace {

// ---- device code: step_gate_body.h ---------------------------------------------------------

DAYRUN_DEVICE_STORAGE double s_partial[kMostSums];

// ---- launchers -----------------------------------------------------------------------------

}  // namespace

DeviceStatus launch_add_losses(const AddLosses& params, DeviceStream stream) {
    return launch(AddLossesBody{params}, 1, stream);
}

DeviceStatus launch_close_step(const CloseStep& p, DeviceStream stream) {
    double* partial = nullptr;
    DeviceStatus status = address_of_storage(s_partial, &partial);
    if (status != kDeviceSuccess) return status;
    SumSquaresBody squares;
    squares.partial = partial;
    squares.sum_count = static_cast<int>(std::min<int64_t>(
        kMostSums, chunk_count(p.tensors, p.tensor_count, SumSquaresBody::kChunk)));
    squares.is_first = true;
    status = launch_batches(squares, p.tensors, p.tensor_count, stream,
                            [](SumSquaresBody& body) { body.is_first = false; });
    if (status != kDeviceSuccess) return status;
    return launch(CloseStepBody{p.gate, partial, squares.sum_count, p.max_norm, p.skips}, 1,
                  stream);
}

}  // namespace dayrun::kernels
