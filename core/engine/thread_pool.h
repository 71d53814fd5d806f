// The engine's own threads as the kernels' backend (kernels/common/parallel.h). A loop is cut by
// the number of threads alone, so that its bits never depend on who computed what; workers spin for
// some microseconds, then sleep, so that they do not take turns with the machine's other work.
// MKL and oneDNN run on whichever thread calls them, alone: linear/gemm.cpp cuts their products
// too. Neighbour: decoder_engine.cpp sets the number. Any thread; torch-free.
#pragma once

#include <cstdint>

#include "kernels/common/parallel.h"

namespace dayrun::engine {

/// Pieces into which loops of this thread are cut: at first core::worker_threads().
int thread_count();
void use_threads(int count);

/// A kernels::ParallelBackend. A loop within a piece runs as a whole on the piece's thread. Where a
/// piece throws, the others are done and the fault of the lowest comes out.
void run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context);

/// For tests, as if other programs kept workers away: what each worker made from now on runs first.
/// Returns what it was before.
using WorkerStart = void (*)();
WorkerStart set_worker_start(WorkerStart start);

}  // namespace dayrun::engine
