// Starts sessions on a thread and joins them. Neighbour: run_session.h. Lives on the thread that
// made it; the lambda on the run thread.
#include "core/run/run_thread.h"
#include "core/run/run_session.h"

#include <utility>

namespace dayrun::core {

RunThread::RunThread(Project& project, EngineFactory make_engine, RunListener& listener,
                     OnEnd on_end)
    : m_project(project),
      m_make_engine(std::move(make_engine)),
      m_listener(listener),
      m_on_end(std::move(on_end)) {}

RunThread::~RunThread() {
    request(RunRequest::StopAtCheckpoint);
    wait();
}

Result<std::string> RunThread::start(RunOrder order) {
    if (is_running()) {
        return Error{.code = ErrorCode::Unsupported,
                     .message = "A run is in progress.",
                     .hint = "Stop it first, or wait until it is done."};
    }
    wait();
    if (order.run_id.empty()) order.run_id = new_run_id();
    const std::string run_id = order.run_id;
    // A new run gets a new control: an old request to stop must not meet it.
    m_control = std::make_shared<RunControl>();
    m_outcome.reset();
    m_running.store(true, std::memory_order_release);
    m_thread = std::jthread([this, control = m_control, own_order = std::move(order)] {
        RunSession session(m_project, m_make_engine, *control, m_listener);
        m_outcome = session.run(own_order);
        const RunOutcome told = *m_outcome;
        m_running.store(false, std::memory_order_release);
        if (m_on_end) m_on_end(told);
    });
    return run_id;
}

void RunThread::request(RunRequest wanted) {
    if (m_control != nullptr) m_control->request(wanted);
}

std::optional<RunOutcome> RunThread::wait() {
    if (m_thread.joinable()) m_thread.join();
    return m_outcome;
}

}  // namespace dayrun::core
