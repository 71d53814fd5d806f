// The door's body. Neighbour: engine_factory.h.
#include "core/engine/engine_factory.h"

#include "core/device/cuda_probe.h"
#include "core/engine/decoder_engine.h"
#include "core/engine/device/open_torch.h"

namespace dayrun::engine {
core::Result<std::unique_ptr<core::Engine>> make_engine(const core::Device& device) {
    if (device.kind == core::DeviceKind::Cuda) {
        // Refused here and not when the base is open already: nothing has been loaded yet.
        TRY_VOID(core::usable_cuda_device(device.index));
        const OpenAccelerator open = [device](const core::Recipe& recipe) {
            return open_cuda(device, recipe);
        };
        return std::unique_ptr<core::Engine>(std::make_unique<DecoderEngine>(device, open));
    }
    TRY_VOID(open_torch());
    return std::unique_ptr<core::Engine>(std::make_unique<DecoderEngine>(device));
}

core::Result<std::string> torch_version() {
    TRY_VOID(open_torch());
    return std::string(torch().version);
}

}  // namespace dayrun::engine
