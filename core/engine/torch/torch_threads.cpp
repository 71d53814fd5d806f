// Compiled with OpenMP (CMakeLists.txt): without it at::parallel_for, which is libtorch's inline
// code, runs everything on the calling thread and says nothing.
#include "core/engine/torch/torch_threads.h"

#include <ATen/Parallel.h>

#ifdef __SANITIZE_THREAD__
#include <algorithm>
#include <exception>
#include <thread>
#include <vector>
#endif

#ifndef _OPENMP
#error "torch_threads.cpp needs -fopenmp: without it nothing runs in parallel."
#endif

namespace dayrun::engine {

int torch_thread_count() {
    return at::get_num_threads();
}

void torch_use_threads(int count) {
    // MKL has a number of its own, which libtorch sets along.
    thread_local int s_set = 0;
    if (s_set == count && at::get_num_threads() == count) return;
    at::set_num_threads(count);
    s_set = count;
}

#ifndef __SANITIZE_THREAD__

void torch_run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task,
                           void* context) {
    if (count <= grain) return task(context, 0, count);
    at::parallel_for(0, count, grain,
                     [&](int64_t begin, int64_t end) { task(context, begin, end); });
}

#else

// The thread sanitizer does not see how libgomp's threads wait for each other, and would call all
// that they hand over a race: there the same ranges run on threads that it knows.
void torch_run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task,
                           void* context) {
    const int64_t pieces = std::min<int64_t>(torch_thread_count(), (count + grain - 1) / grain);
    if (pieces <= 1) return task(context, 0, count);
    const int64_t length = (count + pieces - 1) / pieces;
    std::vector<std::exception_ptr> faults(static_cast<size_t>(pieces));
    std::vector<std::thread> threads;
    for (int64_t piece = 0; piece < pieces; ++piece) {
        threads.emplace_back([&, piece] {
            torch_use_threads(1);  // what it calls stays on it, as inside an OpenMP thread
            const int64_t begin = piece * length, end = std::min(count, begin + length);
            try {
                if (begin < end) task(context, begin, end);
            } catch (...) {
                faults[static_cast<size_t>(piece)] = std::current_exception();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& fault : faults) {
        if (fault) std::rethrow_exception(fault);
    }
}

#endif

}  // namespace dayrun::engine
