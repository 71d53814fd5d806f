// libtorch's threads as the kernels' backend (kernels/common/parallel.h): products and kernels take
// turns on the same ones. Neighbour: torch_engine.cpp sets their number. Run thread; torch-free.
#pragma once

#include <cstdint>

#include "kernels/common/parallel.h"

namespace dayrun::engine {

/// A kernels::ParallelBackend.
void run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context);

}  // namespace dayrun::engine
