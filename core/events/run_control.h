// What the outside asks of a running session: one atomic, read between micro-batches.
// Written from any thread, read on the run thread.
#pragma once

#include <atomic>

namespace dayrun::core {

/// Ordered by urgency; a later request never weakens an earlier one.
enum class RunRequest {
    None,
    Park,              // save a checkpoint, free the device, stay continuable
    FinishNow,         // validate, save, export, end as Finished
    StopAtCheckpoint,  // finish the micro-batch, save, end as Stopped
    Discard,           // end at once, keep nothing new
};

/// Park, StopAtCheckpoint and Discard: the run leaves the device without going on to its end.
inline bool leaves_early(RunRequest request) {
    return request != RunRequest::None && request != RunRequest::FinishNow;
}

class RunControl {
  public:
    void request(RunRequest wanted) {
        RunRequest current = m_request.load(std::memory_order_relaxed);
        while (current < wanted &&
               !m_request.compare_exchange_weak(current, wanted, std::memory_order_release)) {
        }
    }
    RunRequest request() const { return m_request.load(std::memory_order_acquire); }

  private:
    std::atomic<RunRequest> m_request{RunRequest::None};
};

}  // namespace dayrun::core
