// The plug-in's second door: an accelerator on a CUDA device. The program and the plug-in come from
// one build, so a C++ object may cross; exceptions do not cross this function, they cross the
// accelerator's methods and end in guard.h. Neighbours: kernels/cuda_plugin/probe.h (the first
// door), cuda_accelerator.h (what stands behind). Torch-free and CUDA-free.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/engine/device/accelerator.h"

namespace dayrun::engine {

struct CudaOptions {
    int device = 0;
    int64_t max_bytes = 0;      // of the whole process on the card, context included; 0: the card's
    bool deterministic = true;  // the attention's backward
    void (*warn)(const char* sentence) = nullptr;  // optional; called on the run thread
};

enum class CudaOpening { Opened, NoDevice, OutOfMemory, Failed };

}  // namespace dayrun::engine

/// Sets *opened, which the caller deletes, or writes why not into `error`. To be called on the
/// thread that will use it.
using DayrunCudaOpenFunction = dayrun::engine::CudaOpening (*)(
    const dayrun::engine::CudaOptions& options, dayrun::engine::Accelerator** opened, char* error,
    std::size_t error_size);

#define DAYRUN_CUDA_OPEN_SYMBOL "dayrun_cuda_open"
