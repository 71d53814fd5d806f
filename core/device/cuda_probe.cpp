// Body of cuda_probe.h.
#include "core/device/cuda_probe.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <mutex>
#include <utility>

#include "core/base/build_info.h"
#include "core/device/plug_in.h"
#include "kernels/cuda_plugin/probe.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDevices = 64;

Error no_gpu(std::string message, std::string hint, std::string detail = {}) {
    return {.code = ErrorCode::NoGpu,
            .message = std::move(message),
            .hint = std::move(hint),
            .detail = std::move(detail)};
}

constexpr const char* kCpuOnly = "This Dayrun was built for the CPU only.";
constexpr const char* kNoDriver = "No NVIDIA driver is loaded on this computer.";
constexpr const char* kDriverName = "libcuda.so.1";

Error no_driver_error(std::string detail = {}) {
    return no_gpu(kNoDriver, "Install the driver (Debian: nvidia-driver), or use --device cpu.",
                  std::move(detail));
}

const PlugIn& plug_in() {
    static const PlugIn s_plug_in{
        .file = "libdayrun_cuda.so",
        .title = "CUDA plug-in",
        .libraries = "the CUDA libraries",
        .variable = "DAYRUN_CUDA_PLUGIN",
        .missing = ErrorCode::NoGpu,
        .not_built = build_info().has_cuda() ? "" : kCpuOnly,
        .not_built_hint =
            "Install the CUDA toolkit 13 (nvcc) and run ./run again, or use --device cpu."};
    return s_plug_in;
}

// The plug-in is never closed: the CUDA runtime in it registers handlers for the process's end. Nor
// is the driver, which is opened before it: NVIDIA's libcusparseLt looks for it as soon as it is
// loaded, in the current folder (its RUNPATH ends in an empty element), and takes one that is
// there.
Result<void*> open_plugin(const char* symbol_name) {
    TRY(path, cuda_plugin_path());
    if (dlopen(kDriverName, RTLD_LAZY | RTLD_LOCAL) == nullptr) return no_driver_error();
    return open_plug_in(plug_in(), path, symbol_name);
}

// 13000 becomes "13.0".
std::string version_text(int version) {
    return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

Error no_device_error(const DayrunCudaProbe& probe) {
    if (probe.driver_version == 0) return no_driver_error(probe.error);
    if (probe.driver_version / 1000 < probe.runtime_version / 1000) {
        return no_gpu(
            fmt::format("The NVIDIA driver serves CUDA {} at most; Dayrun needs {}.",
                        version_text(probe.driver_version), version_text(probe.runtime_version)),
            "Update the driver, or use --device cpu.", probe.error);
    }
    return no_gpu("The NVIDIA driver finds no CUDA device on this computer.",
                  "Check nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu.", probe.error);
}

CudaDevice to_device(int index, const DayrunCudaDevice& device) {
    return {.index = index,
            .name = device.name,
            .compute_major = device.compute_major,
            .compute_minor = device.compute_minor,
            .pci_bus_id = device.pci_bus_id,
            .total_bytes = device.total_bytes,
            .free_bytes = device.free_bytes,
            .error = device.error};
}

}  // namespace

Result<fs::path> cuda_plugin_path() {
    return find_plug_in(plug_in());
}

bool has_nvidia_driver() {
    void* const driver = dlopen(kDriverName, RTLD_LAZY | RTLD_LOCAL);
    if (driver == nullptr) return false;
    dlclose(driver);
    return true;
}

std::string why_no_card() {
    if (!build_info().has_cuda()) return kCpuOnly;
    return has_nvidia_driver() ? std::string() : kNoDriver;
}

Result<CudaReport> probe_cuda() {
    static std::mutex s_one_at_a_time;
    const std::lock_guard lock(s_one_at_a_time);
    TRY(symbol, open_plugin(DAYRUN_CUDA_PROBE_SYMBOL));
    const auto ask = reinterpret_cast<DayrunCudaProbeFunction>(symbol);
    DayrunCudaProbe probe{};
    std::array<DayrunCudaDevice, kMaxDevices> devices{};
    const int filled = ask(&probe, devices.data(), kMaxDevices);
    if (filled == 0) return no_device_error(probe);
    CudaReport report{.driver_version = version_text(probe.driver_version),
                      .runtime_version = version_text(probe.runtime_version),
                      .devices = {}};
    for (int index = 0; index < filled; ++index) {
        report.devices.push_back(to_device(index, devices[static_cast<std::size_t>(index)]));
    }
    return report;
}

Result<std::vector<CudaDevice>> cuda_devices() {
    TRY(report, probe_cuda());
    return std::move(report.devices);
}

Result<CudaDevice> usable_cuda_device(int index) {
    TRY(devices, cuda_devices());
    const auto count = static_cast<int>(devices.size());
    if (index < 0 || index >= count) {
        return no_gpu(
            fmt::format("There is no cuda:{} on this computer.", index),
            fmt::format("Use {}.", count == 1 ? std::string("cuda:0")
                                              : fmt::format("cuda:0 to cuda:{}", count - 1)));
    }
    CudaDevice& device = devices[static_cast<std::size_t>(index)];
    if (device.compute_major > 0 && device.compute_major < kOldestCompute) {
        return no_gpu(fmt::format("cuda:{} ({}) is too old: it has compute capability {}.{}, and "
                                  "Dayrun needs {}.0 or newer.",
                                  index, device.name, device.compute_major, device.compute_minor,
                                  kOldestCompute),
                      "Use a card of the Ampere generation (2020) or newer, or --device cpu.",
                      device.error);
    }
    if (!device.is_usable()) {
        return no_gpu(fmt::format("cuda:{} ({}) does not run Dayrun's code: {}.", index,
                                  device.name, device.error),
                      "Check nvidia-smi and the driver, or use --device cpu.", device.error);
    }
    return std::move(device);
}

Result<void*> cuda_plugin_symbol(const char* name) {
    return open_plugin(name);
}

}  // namespace dayrun::core
