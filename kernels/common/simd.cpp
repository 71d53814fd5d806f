// Asks the processor once; see simd.h.
#include "kernels/common/simd.h"

#include <algorithm>
#include <atomic>

namespace dayrun::kernels {
namespace {

SimdLevel detect() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx2 && avx512) return SimdLevel::Avx512;
    if (avx2) return SimdLevel::Avx2;
#endif
    return SimdLevel::Plain;
}

std::atomic<SimdLevel>& current() {
    static std::atomic<SimdLevel> s_level{highest_simd_level()};
    return s_level;
}

}  // namespace

SimdLevel highest_simd_level() {
    static const SimdLevel s_highest = detect();
    return s_highest;
}

SimdLevel simd_level() {
    return current().load(std::memory_order_relaxed);
}

void set_simd_level(SimdLevel level) {
    current().store(std::min(level, highest_simd_level()));
}

const char* simd_level_name(SimdLevel level) {
    switch (level) {
        case SimdLevel::Plain:
            return "plain";
        case SimdLevel::Avx2:
            return "avx2";
        case SimdLevel::Avx512:
            return "avx512";
    }
    return "unknown";
}

}  // namespace dayrun::kernels
