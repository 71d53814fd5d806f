// The operations of a device other than the CPU, as one table of launchers. Every public operation
// of this room (kernels::rms_norm_forward and so on) runs on the CPU unless the calling thread has
// chosen a device; then the same call with the same parameters, whose pointers are now addresses
// of that device, is put into the device's queue. So the code above has one source for all devices.
// A launcher returns 0 or the device's error code; the first one is kept in the queue, because a
// device works behind its caller and there is no place in the maths to handle it.
// Neighbours: launchers.h is the list, <op>.cu are the launchers; core/engine/device/accelerator.h
// chooses the queue.
#pragma once

#include <cstdint>

#include "kernels/device/launchers.h"

/// What a cudaStream_t points to.
struct CUstream_st;

namespace dayrun::kernels {

/// A launcher: puts the operation into `stream` (a cudaStream_t; null on an emulated device) and
/// returns at once. 0, or the device's error code (a cudaError_t).
template <class Params>
using Launcher = int (*)(const Params& params, CUstream_st* stream);

/// One launcher an operation; the names are those of the public functions. Arrays of tensors
/// (AdamwTensor, GradTensor, DecodeText) lie in host memory and hold device addresses: a launcher
/// has read them when it returns.
struct DeviceOps {
#define DAYRUN_DECLARE_OP(name, Params) Launcher<Params> name = nullptr;
    DAYRUN_DEVICE_OPS(DAYRUN_DECLARE_OP)
#undef DAYRUN_DECLARE_OP
};

/// Where a thread's operations go.
struct DeviceQueue {
    DeviceOps ops;
    CUstream_st* stream = nullptr;
    int error = 0;  // the first code that was not 0

    /// Launches and keeps the first error. An operation without a launcher is an error as well.
    template <class Params>
    void launch(Launcher<Params> launcher, const Params& params) {
        const int code = launcher != nullptr ? launcher(params, stream) : kNoLauncher;
        if (error == 0) error = code;
    }
    /// Not a code of CUDA: the device has no such operation.
    static constexpr int kNoLauncher = -1;
};

/// Sets the queue of the calling thread; null is the CPU. The queue must outlive its use.
void set_device_queue(DeviceQueue* queue);
DeviceQueue* device_queue();

}  // namespace dayrun::kernels
