// The process-wide backend pointer of parallel.h.
#include "kernels/common/parallel.h"

#include <atomic>

namespace dayrun::kernels {
namespace {

std::atomic<ParallelBackend> s_backend{nullptr};

}  // namespace

void set_parallel_backend(ParallelBackend backend) {
    s_backend.store(backend);
}

void parallel_run(int64_t count, int64_t grain, ParallelTask task, void* context) {
    if (count <= 0) return;
    const ParallelBackend backend = s_backend.load(std::memory_order_acquire);
    if (backend == nullptr) {
        task(context, 0, count);
        return;
    }
    backend(count, grain, task, context);
}

}  // namespace dayrun::kernels
