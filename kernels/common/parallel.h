// One small door to whatever thread pool the program has: the engine plugs in libtorch's, so that
// kernels and matrix products share the same threads. Without a backend everything runs serially.
// Neighbour: every <op>_cpu.cpp. The kernels are called from one thread (the run thread).
#pragma once

#include <cstdint>

namespace dayrun::kernels {

/// Work on the indices [begin, end).
using ParallelTask = void (*)(void* context, int64_t begin, int64_t end);

/// Calls `task` on disjoint ranges that cover [0, count) exactly once, on any threads and in any
/// order, and returns when all are done. A range should not be shorter than `grain` (the last may).
using ParallelBackend = void (*)(int64_t count, int64_t grain, ParallelTask task, void* context);

/// Sets the backend for the process; nullptr goes back to serial. Set it before the first kernel.
void set_parallel_backend(ParallelBackend backend);

/// Runs `task` through the backend; straight on this thread when count <= grain or none is set.
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

/// Indices per task so that a task moves about 64 KiB: less is lost in waking threads.
inline int64_t grain_for(int64_t bytes_per_index) {
    const int64_t grain = 65536 / (bytes_per_index > 0 ? bytes_per_index : 1);
    return grain > 1 ? grain : 1;
}

}  // namespace dayrun::kernels
