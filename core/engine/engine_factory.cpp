// The door's body. Neighbour: engine_factory.h.
#include "core/engine/engine_factory.h"

#include <ATen/Config.h>
#include <fmt/format.h>
#include <torch/headeronly/version.h>

#include <cstdlib>

#include "core/device/cuda_probe.h"
#include "core/engine/memory/torch_allocator.h"
#include "core/engine/torch_engine.h"

namespace dayrun::engine {
namespace {

// libtorch's oneDNN and the layer above it each keep 1,024 primitives, about 0.4 MB each, and rows
// of every length need their own: over 600 lengths the process grows by 0.9 GB, with 16 kept by
// 30 MB in the same CPU time (measured). Read by the libraries at their first product; set before
// main, because other threads may read the environment later.
[[maybe_unused]] const bool s_caches_are_bounded = [] {
    for (const char* const name : {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"}) {
        setenv(name, "64", 0);
    }
    return true;
}();

}  // namespace

core::Result<std::unique_ptr<core::Engine>> make_engine(const core::Device& device) {
    if (device.kind == core::DeviceKind::Cuda) {
        // Refused here and not when the base is open already: nothing has been loaded yet.
        TRY_VOID(core::usable_cuda_device(device.index));
        const OpenAccelerator open = [device](const core::Recipe& recipe) {
            return open_cuda(device, recipe);
        };
        return std::unique_ptr<core::Engine>(std::make_unique<TorchEngine>(device, open));
    }
    count_torch_allocations();
    return std::unique_ptr<core::Engine>(std::make_unique<TorchEngine>(device));
}

std::string torch_version() {
    return fmt::format("{} ({}, {})", TORCH_VERSION, AT_MKL_ENABLED() ? "MKL" : "no MKL",
                       AT_MKLDNN_ENABLED() ? "oneDNN" : "no oneDNN");
}

}  // namespace dayrun::engine
