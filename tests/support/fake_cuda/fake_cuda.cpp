// A stand-in for libdayrun_cuda.so: answers what the environment variable DAYRUN_FAKE_CUDA asks
// for, so that every way in which a card can be unusable is tested without one.
//     no-driver | old-driver | no-device | old-card | broken-card | card
// Neighbours: kernels/cuda_plugin/probe.h, core/engine/device/cuda_plugin.h. Any thread.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/engine/device/cuda_plugin.h"
#include "kernels/cuda_plugin/probe.h"

namespace {

std::string asked() {
    const char* const value = std::getenv("DAYRUN_FAKE_CUDA");
    return value != nullptr ? value : "no-driver";
}

void write(char* to, std::size_t size, const char* text) {
    std::snprintf(to, size, "%s", text);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int dayrun_cuda_probe(DayrunCudaProbe* probe,
                                                                        DayrunCudaDevice* devices,
                                                                        int capacity) {
    const std::string kind = asked();
    std::memset(probe, 0, sizeof(*probe));
    probe->runtime_version = 13000;
    probe->driver_version = kind == "no-driver" ? 0 : kind == "old-driver" ? 12040 : 13000;
    if (kind == "no-driver" || kind == "old-driver" || kind == "no-device" || capacity < 1) {
        write(probe->error, sizeof(probe->error), "made up by a test");
        return 0;
    }
    probe->device_count = 1;
    std::memset(devices, 0, sizeof(*devices));
    write(devices->name, sizeof(devices->name), "NVIDIA Paper 1");
    write(devices->pci_bus_id, sizeof(devices->pci_bus_id), "00000000:01:00.0");
    devices->compute_major = kind == "old-card" ? 7 : 9;
    devices->total_bytes = 80LL << 30;
    devices->free_bytes = 79LL << 30;
    if (kind == "old-card") write(devices->error, sizeof(devices->error), "no kernel image");
    if (kind == "broken-card") write(devices->error, sizeof(devices->error), "ECC error");
    return 1;
}

/// The fake card has too little memory for any run.
extern "C" __attribute__((visibility("default"))) dayrun::engine::CudaOpening dayrun_cuda_open(
    const dayrun::engine::CudaOptions&, dayrun::engine::Accelerator**, char* error,
    std::size_t error_size) {
    write(error, error_size, "made up by a test");
    return dayrun::engine::CudaOpening::OutOfMemory;
}
