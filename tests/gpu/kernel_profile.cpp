// Recording through libtorch's profiler. Neighbour: kernel_profile.h.
#include "tests/gpu/kernel_profile.h"

#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>

namespace dayrun::tests {
namespace {

namespace profiler = torch::autograd::profiler;

constexpr size_t kNameLength = 96;  // template arguments of libraries go on for pages

KernelProfile summarize(const profiler::ProfilerResult& recorded) {
    KernelProfile profile;
    std::map<std::string, KernelTime> by_name;
    uint64_t first = UINT64_MAX, last = 0;
    for (const profiler::KinetoEvent& event : recorded.events()) {
        if (event.deviceType() != c10::DeviceType::CUDA) continue;
        const std::string name = event.name().substr(0, kNameLength);
        KernelTime& time = by_name[name];
        time.name = name;
        ++time.launches;
        time.seconds += static_cast<double>(event.durationNs()) * 1e-9;
        first = std::min(first, event.startNs());
        last = std::max(last, event.endNs());
    }
    for (const auto& [name, time] : by_name) {
        profile.kernels.push_back(time);
        profile.busy_seconds += time.seconds;
    }
    if (last > first) profile.seconds = static_cast<double>(last - first) * 1e-9;
    std::sort(profile.kernels.begin(), profile.kernels.end(),
              [](const KernelTime& a, const KernelTime& b) { return a.seconds > b.seconds; });
    return profile;
}

}  // namespace

KernelProfile profile_kernels(const std::function<void()>& work) {
    using torch::profiler::impl::ActivityType;
    const torch::profiler::impl::ProfilerConfig config(
        torch::profiler::impl::ProfilerState::KINETO);
    profiler::prepareProfiler(config, {ActivityType::CUDA});
    profiler::enableProfiler(config, {ActivityType::CUDA});
    work();
    const std::unique_ptr<profiler::ProfilerResult> recorded = profiler::disableProfiler();
    if (recorded == nullptr) throw std::runtime_error("the profiler recorded nothing");
    return summarize(*recorded);
}

std::string profile_text(const KernelProfile& profile, size_t rows) {
    char line[256];
    std::snprintf(line, sizeof(line), "%.1f ms in all, kernels %.1f ms\n", profile.seconds * 1e3,
                  profile.busy_seconds * 1e3);
    std::string text = line;
    for (size_t i = 0; i < std::min(rows, profile.kernels.size()); ++i) {
        const KernelTime& one = profile.kernels[i];
        std::snprintf(line, sizeof(line), "%9.2f ms %5.1f %% %6lld x  %s\n", one.seconds * 1e3,
                      100 * one.seconds / std::max(profile.busy_seconds, 1e-12),
                      static_cast<long long>(one.launches), one.name.c_str());
        text += line;
    }
    return text;
}

}  // namespace dayrun::tests
