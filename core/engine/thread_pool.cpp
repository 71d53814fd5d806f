// libtorch's threads: products and kernels take turns on the same ones. Neighbour: thread_pool.h.
#include "core/engine/thread_pool.h"

#include "core/engine/device/open_torch.h"

namespace dayrun::engine {

int thread_count() {
    return torch().thread_count();
}

void use_threads(int count) {
    torch().use_threads(count);
}

void run_in_parallel(int64_t count, int64_t grain, kernels::ParallelTask task, void* context) {
    torch().run_in_parallel(count, grain, task, context);
}

}  // namespace dayrun::engine
