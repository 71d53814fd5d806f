// The thread a session runs on when a window watches: starts one run at a time, passes requests on.
// Lives on the thread that made it (the ui thread); the session and the engine live on the run
// thread, and so do the listener's calls. Neighbour: run_session.h.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "core/events/run_control.h"
#include "core/records/project.h"
#include "core/run/run_order.h"

namespace dayrun::core {

class RunThread {
  public:
    /// Called on the run thread once the session has ended and its engine is gone.
    using OnEnd = std::function<void(const RunOutcome&)>;

    /// `project` and `listener` outlive this object.
    RunThread(Project& project, EngineFactory make_engine, RunListener& listener,
              OnEnd on_end = {});
    /// Asks a running session to stop at a checkpoint, and waits for it.
    ~RunThread();

    /// Starts a run and returns its id at once; Unsupported while another one is running.
    Result<std::string> start(RunOrder order);
    /// Any thread; answered within one micro-batch.
    void request(RunRequest wanted);
    bool is_running() const { return m_running.load(std::memory_order_acquire); }
    /// Waits for the end of the run; empty when none was ever started.
    std::optional<RunOutcome> wait();

  private:
    Project& m_project;
    EngineFactory m_make_engine;
    RunListener& m_listener;
    OnEnd m_on_end;
    std::atomic<bool> m_running{false};
    std::shared_ptr<RunControl> m_control;  // of the current run; a new run gets a new one
    std::optional<RunOutcome> m_outcome;    // written by the run thread before m_running clears
    std::jthread m_thread;
};

}  // namespace dayrun::core
