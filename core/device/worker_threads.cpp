// One number of the process. Neighbour: worker_threads.h.
#include "core/device/worker_threads.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace dayrun::core {
namespace {

std::atomic<int> s_threads = 0;

}  // namespace

int processor_count() {
    return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

void set_worker_threads(int count) {
    s_threads = count;
}

int worker_threads() {
    const int asked = s_threads;
    return asked > 0 ? asked : processor_count();
}

}  // namespace dayrun::core
