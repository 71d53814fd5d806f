// Which CUDA devices can be used, asked of the plug-in libdayrun_cuda.so, which is opened here and
// nowhere else in core. Neighbours: kernels/cuda_plugin/probe.h is the plug-in's side; `dayrun
// doctor` and the choice of a device call it. Any thread; calls are serialised.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

struct CudaDevice {
    int index = 0;  // the N of cuda:N
    std::string name;
    int compute_major = 0;  // compute capability 9.0 is major 9, minor 0
    int compute_minor = 0;
    std::string pci_bus_id;  // "00000000:01:00.0"
    std::int64_t total_bytes = 0;
    std::int64_t free_bytes = 0;
    std::string error;  // why this device cannot be used; empty when a test kernel ran on it

    bool is_usable() const { return error.empty(); }
};

struct CudaReport {
    std::string driver_version;   // the newest CUDA that the driver serves: "13.0"
    std::string runtime_version;  // of the plug-in's runtime: "13.0"
    std::vector<CudaDevice> devices;
};

/// Where the plug-in lies: the file that DAYRUN_CUDA_PLUGIN names by an absolute path, beside the
/// executable, or in <executable>/../lib/dayrun. Errors: NoGpu when there is none (a CPU-only build
/// says so).
Result<std::filesystem::path> cuda_plugin_path();

/// Whether an NVIDIA driver is installed: a millisecond, where opening the plug-in takes libtorch's
/// CUDA half (some 250 MB) into the process.
bool has_nvidia_driver();

/// Why no run can use a card, as far as a look without the plug-in tells: a build for the CPU only,
/// or no driver. Empty when there may be one.
std::string why_no_card();

/// Opens driver and plug-in (they stay open) and asks for all devices; each gets a context and runs
/// one small kernel, half a second the first time. At least one device is in the report, though it
/// may be unusable. Errors: NoGpu with a sentence that names what is missing: plug-in, driver or
/// device.
Result<CudaReport> probe_cuda();

/// The devices of probe_cuda().
Result<std::vector<CudaDevice>> cuda_devices();

/// The device of this index. NoGpu with the reason when it is not there or cannot be used: a card
/// older than kOldestCompute, or one on which the test kernel failed.
Result<CudaDevice> usable_cuda_device(int index);
/// Compute capability 8.0: bfloat16 in the matrix units, and what this build has code for.
inline constexpr int kOldestCompute = 8;

/// An exported function of the plug-in. NoGpu when the plug-in is of another version.
Result<void*> cuda_plugin_symbol(const char* name);

}  // namespace dayrun::core
