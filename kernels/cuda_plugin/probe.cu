// Body of probe.h: asks the CUDA runtime, and runs one small kernel per device, because a device
// that is listed may still be one that this build has no code for.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstring>

#include "kernels/cuda_plugin/probe.h"

namespace {

constexpr int kThreads = 64;

// ---- device code ---------------------------------------------------------------------------

// out[i] = i * i, an answer that memory left over from elsewhere does not hold by chance.
__global__ void squares(int* out) {
    const int i = static_cast<int>(threadIdx.x);
    out[i] = i * i;
}

// ---- launchers -----------------------------------------------------------------------------

cudaError_t run_squares(int (&answer)[kThreads]) {
    int* on_device = nullptr;
    cudaError_t status = cudaMalloc(reinterpret_cast<void**>(&on_device), sizeof(answer));
    if (status != cudaSuccess) return status;
    squares<<<1, kThreads>>>(on_device);
    status = cudaGetLastError();
    if (status == cudaSuccess) {
        status = cudaMemcpy(answer, on_device, sizeof(answer), cudaMemcpyDeviceToHost);
    }
    const cudaError_t freed = cudaFree(on_device);
    return status == cudaSuccess ? freed : status;
}

void write_text(char* to, std::size_t size, const char* text) {
    std::snprintf(to, size, "%s", text);
}

// Leaves the device's error empty when the kernel ran and its answer is right.
void try_kernel(DayrunCudaDevice& device) {
    int answer[kThreads] = {};
    const cudaError_t status = run_squares(answer);
    if (status != cudaSuccess) {
        write_text(device.error, sizeof(device.error), cudaGetErrorString(status));
        return;
    }
    for (int i = 0; i < kThreads; ++i) {
        if (answer[i] == i * i) continue;
        write_text(device.error, sizeof(device.error), "a test kernel gave a wrong answer");
        return;
    }
}

void probe_device(int index, DayrunCudaDevice& device) {
    cudaDeviceProp properties;
    cudaError_t status = cudaGetDeviceProperties(&properties, index);
    if (status == cudaSuccess) {
        write_text(device.name, sizeof(device.name), properties.name);
        device.compute_major = properties.major;
        device.compute_minor = properties.minor;
        device.total_bytes = static_cast<long long>(properties.totalGlobalMem);
        cudaDeviceGetPCIBusId(device.pci_bus_id, kDayrunCudaPciSize, index);
        status = cudaSetDevice(index);
    }
    std::size_t free_bytes = 0;
    std::size_t total_bytes = 0;
    if (status == cudaSuccess) status = cudaMemGetInfo(&free_bytes, &total_bytes);
    if (status != cudaSuccess) {
        write_text(device.error, sizeof(device.error), cudaGetErrorString(status));
        return;
    }
    device.free_bytes = static_cast<long long>(free_bytes);
    try_kernel(device);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int dayrun_cuda_probe(DayrunCudaProbe* probe,
                                                                        DayrunCudaDevice* devices,
                                                                        int capacity) {
    std::memset(probe, 0, sizeof(*probe));
    // Without a driver this call still succeeds and answers 0.
    cudaDriverGetVersion(&probe->driver_version);
    cudaRuntimeGetVersion(&probe->runtime_version);
    const cudaError_t status = cudaGetDeviceCount(&probe->device_count);
    if (status != cudaSuccess) {
        probe->device_count = 0;
        write_text(probe->error, sizeof(probe->error), cudaGetErrorString(status));
        return 0;
    }
    int selected = 0;
    cudaGetDevice(&selected);
    const int filled = probe->device_count < capacity ? probe->device_count : capacity;
    for (int index = 0; index < filled; ++index) {
        std::memset(&devices[index], 0, sizeof(devices[index]));
        probe_device(index, devices[index]);
    }
    // The caller's device stays selected.
    cudaSetDevice(selected);
    return filled;
}
