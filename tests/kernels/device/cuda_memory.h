// What the GPU programs share: device memory that frees itself, and CUDA's errors as exceptions.
// Neighbours: run_gpu.cpp, bench_gpu.cpp. Test thread only.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace dayrun::kernels::tests {

inline void require(cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

/// Null when the device has no room for it.
inline std::shared_ptr<void> device_memory(std::size_t bytes) {
    void* memory = nullptr;
    if (cudaMalloc(&memory, bytes > 0 ? bytes : 1) != cudaSuccess) {
        cudaGetLastError();  // forget it: the case is skipped
        return nullptr;
    }
    return std::shared_ptr<void>(memory, [](void* that) { cudaFree(that); });
}

/// Why no device can be used; empty when device 0 can.
inline std::string why_no_device() {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) return cudaGetErrorString(status);
    return count > 0 ? "" : "the driver knows no device";
}

/// What ctest takes for a skipped test.
constexpr int kSkipped = 77;

}  // namespace dayrun::kernels::tests
