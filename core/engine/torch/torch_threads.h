// libtorch's threads as the kernels' backend (kernels/common/parallel.h): products and kernels take
// turns on the same ones. Their number belongs to the calling thread.
// Neighbour: torch_plugin.h. Run thread; no torch here.
#pragma once

#include <cstdint>

#include "kernels/common/parallel.h"

namespace dayrun::engine {

/// Threads that work which this thread starts may run on.
int torch_thread_count();
void torch_use_threads(int count);

/// A kernels::ParallelBackend.
void torch_run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context);

}  // namespace dayrun::engine
