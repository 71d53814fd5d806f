// The exported function. Neighbour: cuda_plugin.h.
#include "core/engine/device/cuda_plugin.h"

#include <cstdio>
#include <exception>

#include "core/engine/cuda/cuda_accelerator.h"
#include "core/engine/cuda/cuda_status.h"
#include "kernels/cuda_plugin/cuda_ops.h"

extern "C" __attribute__((visibility("default"))) dayrun::engine::CudaOpening dayrun_cuda_open(
    const dayrun::engine::CudaOptions& options, dayrun::engine::Accelerator** opened, char* error,
    std::size_t error_size) {
    using namespace dayrun;
    using engine::CudaOpening;
    const auto say = [&](const char* action, const char* reason) {
        std::snprintf(error, error_size, "%s%s%s", action, *action != '\0' ? ": " : "", reason);
    };
    try {
        kernels::DeviceOps ops;
        dayrun_cuda_ops(&ops);
        *opened = new engine::CudaAccelerator(options, ops);
        return CudaOpening::Opened;
    } catch (const engine::DeviceFailure& failure) {
        say(failure.action.c_str(), failure.sentence.c_str());
        return failure.code == cudaErrorMemoryAllocation ? CudaOpening::OutOfMemory
                                                         : CudaOpening::NoDevice;
    } catch (const std::bad_alloc&) {
        say("", "too little memory is free on the device");
        return CudaOpening::OutOfMemory;
    } catch (const std::exception& failure) {
        say("", failure.what());
        return CudaOpening::Failed;
    }
}
