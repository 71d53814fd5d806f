// The plug-in's door to the kernels: it fills the table of device_ops.h with launchers for CUDA.
// Neighbours: probe.h, kernels/device/device_ops.cu. Any thread.
#pragma once

#include "kernels/device/device_ops.h"

extern "C" {

/// Fills `ops`; its pointers hold as long as the plug-in is open. `stream` of a launcher is a
/// cudaStream_t of the current device.
using DayrunCudaOpsFunction = void (*)(dayrun::kernels::DeviceOps* ops);

/// The name under which the plug-in exports a DayrunCudaOpsFunction.
#define DAYRUN_CUDA_OPS_SYMBOL "dayrun_cuda_ops"

__attribute__((visibility("default"))) void dayrun_cuda_ops(dayrun::kernels::DeviceOps* ops);

}  // extern "C"
