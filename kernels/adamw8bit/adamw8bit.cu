// AdamW with 8-bit states over many tensors on a device (adamw8bit.h has the formulas); parameters,
// codes and absmax are the CPU's to the bit.
// Shapes: flat float32 tensors of 4,096 elements or more.
// Bytes moved: 16 per element (parameter and two codes in and out, gradient in), 18 with the copy.
// Why so: a warp has one block of 256 states, so its largest value needs shuffles only. Values of
// codes and the search for new ones go to 3 KiB of shared memory, which come as parameters and
// serve 32 blocks. In float32 without fused steps, because the stored codes depend on every
// rounding.
#include "kernels/adamw8bit/adamw8bit_body.h"

#include <vector>

namespace dayrun::kernels {

// ---- device code: adamw8bit_body.h ---------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_adamw8bit_step(const Adamw8bitUpdate& update, DeviceStream stream) {
    const AdamwStep& step = update.step;
    static const CodeTable s_moment1 = CodeTable::of(MapSign::Signed);
    static const CodeTable s_moment2 = CodeTable::of(MapSign::Unsigned);
    AdamwStep on_host = step;
    on_host.grad_scale = nullptr;  // an address of the device
    const Adamw8bitScalars all = adamw8bit_scalars(on_host);
    Adamw8bitBody body;
    body.moment1 = s_moment1;
    body.moment2 = s_moment2;
    body.s = {all.beta1,           all.one_minus_beta1, all.beta2,
              all.one_minus_beta2, all.step_size,       all.eps};
    body.grad_scale = step.grad_scale;
    body.skip = step.skip;
    std::vector<Adamw8bitDeviceTensor> prepared;
    prepared.reserve(static_cast<std::size_t>(update.tensor_count));
    for (int64_t i = 0; i < update.tensor_count; ++i) {
        const Adamw8bitTensor& t = update.tensors[i];
        const bool is_packed = packs_fit(Adamw8bitBody::kRun, {{t.param, 4, 0},
                                                               {t.grad, 4, 0},
                                                               {t.state1, 1, 0},
                                                               {t.state2, 1, 0},
                                                               {t.param_copy, 2, 0}});
        prepared.push_back({t, t.count, adamw_keep(step.learning_rate, t.weight_decay), is_packed});
    }
    return launch_batches(body, prepared.data(), update.tensor_count, stream,
                          [](Adamw8bitBody&) {});
}

}  // namespace dayrun::kernels
