// What a card does during a piece of work, kernel by kernel, as CUPTI records it through libtorch's
// profiler: every kernel and copy of the process counts, whoever launched it.
// Neighbour: bench_train.cpp. Main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace dayrun::tests {

struct KernelTime {
    std::string name;
    int64_t launches = 0;
    double seconds = 0;  // of all launches
};

struct KernelProfile {
    double seconds = 0;       // from the first kernel's start to the last one's end
    double busy_seconds = 0;  // the sum over kernels; more than `seconds` where streams overlap
    std::vector<KernelTime> kernels;  // the longest first
};

/// Runs `work`, which must end with the device idle, and tells where its time went. Throws
/// std::runtime_error when the profiler cannot record here.
KernelProfile profile_kernels(const std::function<void()>& work);

/// A table of the longest `rows` kernels, one line each.
std::string profile_text(const KernelProfile& profile, size_t rows);

}  // namespace dayrun::tests
