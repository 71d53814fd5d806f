// CUDA's return codes as exceptions with a sentence; guard.h makes Errors of them. Only the plug-in
// includes this. Neighbour: accelerator.h (DeviceFailure).
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <string>

#include "core/engine/device/accelerator.h"

namespace dayrun::engine {

/// Codes after which the device answers nothing more in this process.
inline bool is_lost(cudaError_t code) {
    switch (code) {
        case cudaErrorDeviceUninitialized:
        case cudaErrorDevicesUnavailable:
        case cudaErrorECCUncorrectable:
        case cudaErrorHardwareStackError:
        case cudaErrorIllegalAddress:
        case cudaErrorIllegalInstruction:
        case cudaErrorInvalidAddressSpace:
        case cudaErrorInvalidPc:
        case cudaErrorLaunchFailure:
        case cudaErrorLaunchTimeout:
        case cudaErrorMisalignedAddress:
        case cudaErrorNvlinkUncorrectable:
        case cudaErrorContained:
        case cudaErrorAssert:
        case cudaErrorUnknown:
            return true;
        default:
            return false;
    }
}

inline void check_cuda(cudaError_t code, const char* action) {
    if (code == cudaSuccess) return;
    cudaGetLastError();  // a code that is no lasting one must not come again at the next call
    throw DeviceFailure{static_cast<int>(code), action, cudaGetErrorString(code), is_lost(code)};
}

inline void check_cublas(cublasStatus_t code, const char* action) {
    if (code == CUBLAS_STATUS_SUCCESS) return;
    throw DeviceFailure{static_cast<int>(code), action,
                        std::string("cuBLASLt: ") + cublasLtGetStatusString(code), false};
}

}  // namespace dayrun::engine
