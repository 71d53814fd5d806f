// Compiled with OpenMP (CMakeLists.txt): without it at::parallel_for, which is libtorch's inline
// code, runs everything on the calling thread and says nothing.
#include "core/engine/torch_threads.h"

#include <ATen/Parallel.h>

#ifndef _OPENMP
#error "torch_threads.cpp needs -fopenmp: without it nothing runs in parallel."
#endif

namespace dayrun::engine {

void run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context) {
    at::parallel_for(0, count, grain,
                     [&](int64_t begin, int64_t end) { task(context, begin, end); });
}

}  // namespace dayrun::engine
