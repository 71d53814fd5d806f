// The threads that the kernels' loops (kernels/common/parallel.h) are divided over. Their number
// belongs to the calling thread. Neighbour: torch_engine.cpp sets it. Run thread; torch-free.
#pragma once

#include <cstdint>

#include "kernels/common/parallel.h"

namespace dayrun::engine {

/// Threads that work which this thread starts may run on.
int thread_count();
void use_threads(int count);

/// A kernels::ParallelBackend.
void run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context);

}  // namespace dayrun::engine
