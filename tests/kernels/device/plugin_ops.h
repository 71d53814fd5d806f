// The launchers of the very plug-in that the program opens, so that what is tested and timed is
// what runs, and no program carries the device code a second time. Its file is named by
// DAYRUN_CUDA_PLUGIN, as for the program, or is the one of this build.
// Neighbours: run_gpu.cpp, bench_gpu.cpp. Test thread only.
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>

#include "kernels/cuda_plugin/cuda_ops.h"

namespace dayrun::kernels::tests {

/// Throws std::runtime_error with the loader's reason.
inline DeviceOps plugin_ops() {
    const char* const named = std::getenv("DAYRUN_CUDA_PLUGIN");
    void* const plugin = dlopen(named != nullptr ? named : DAYRUN_BUILT_PLUGIN, RTLD_NOW);
    if (plugin == nullptr) throw std::runtime_error(dlerror());
    const auto fill =
        reinterpret_cast<DayrunCudaOpsFunction>(dlsym(plugin, DAYRUN_CUDA_OPS_SYMBOL));
    if (fill == nullptr) throw std::runtime_error(dlerror());
    DeviceOps ops;
    fill(&ops);
    return ops;
}

}  // namespace dayrun::kernels::tests
