// One small door to whatever thread pool the program has: the engine plugs in its own, so that
// kernels and matrix products share the same threads. Without a backend everything runs serially.
// Neighbour: every <op>_cpu.cpp. The kernels are called from one thread (the run thread).
#pragma once

#include <algorithm>
#include <cstdint>

namespace dayrun::kernels {

/// Work on the indices [begin, end).
using ParallelTask = void (*)(void* context, int64_t begin, int64_t end);

/// Calls `task` on disjoint ranges that cover [0, count) exactly once, on any threads and in any
/// order, and returns when all are done. A range should not be shorter than `grain` (the last may).
using ParallelBackend = void (*)(int64_t count, int64_t grain, ParallelTask task, void* context);

/// Sets the backend for the process; nullptr goes back to serial. Set it before the first kernel.
void set_parallel_backend(ParallelBackend backend);

/// Runs `task` through the backend; straight on this thread when none is set.
void parallel_run(int64_t count, int64_t grain, ParallelTask task, void* context);

/// parallel_for(count, grain, [&](int64_t begin, int64_t end) { ... })
/// The ranges depend on the backend and its thread count, so a body must give the same bits for
/// any cut: a sum over tokens is formed over blocks fixed by the shape alone, never per range.
template <class Body>
void parallel_for(int64_t count, int64_t grain, Body&& body) {
    auto call = [](void* context, int64_t begin, int64_t end) {
        (*static_cast<decltype(&body)>(context))(begin, end);
    };
    parallel_run(count, grain, call, const_cast<void*>(static_cast<const void*>(&body)));
}

/// Indices per task, so that a task takes some 10 us: less is lost in waking threads and waiting
/// for them. By the bytes that an index moves,
inline int64_t grain_for(int64_t bytes_per_index) {
    constexpr int64_t kBytes = int64_t{128} << 10;
    return std::max<int64_t>(1, kBytes / std::max<int64_t>(1, bytes_per_index));
}
/// or by its multiplications, where a product's inner loops do them at the processor's speed.
inline int64_t grain_for_products(int64_t multiplications_per_index) {
    constexpr int64_t kMultiplications = int64_t{1} << 20;
    return std::max<int64_t>(1, kMultiplications / std::max<int64_t>(1, multiplications_per_index));
}

}  // namespace dayrun::kernels
