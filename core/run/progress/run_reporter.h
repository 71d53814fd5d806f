// Tells what happens to the records first and to the listener then, so that the window is a reader
// of the same events and never a second truth. Lives on the run thread.
#pragma once

#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/events/run_event.h"
#include "core/records/run_store.h"

namespace dayrun::core {

class RunReporter {
  public:
    RunReporter(std::string run_id, RunStore& store, RunListener& listener)
        : m_run_id(std::move(run_id)), m_store(store), m_listener(listener) {}

    const std::string& run_id() const { return m_run_id; }

    void tell(RunEventBody body) {
        RunEvent event{.run_id = m_run_id, .at = unix_time_s(), .body = std::move(body)};
        m_store.append(event);
        m_listener.on_event(event);
    }
    void state(RunState state) { tell(StateChanged{state}); }
    void info(std::string message) { tell(LogLine{"info", std::move(message)}); }
    void warning(std::string message) { tell(LogLine{"warning", std::move(message)}); }

    /// An event for the listener alone: what must not change the records.
    void listener_only(RunEventBody body) {
        m_listener.on_event(
            RunEvent{.run_id = m_run_id, .at = unix_time_s(), .body = std::move(body)});
    }
    /// An event for the records alone: what would be too long for a listener.
    void record_only(RunEventBody body) {
        m_store.append(RunEvent{.run_id = m_run_id, .at = unix_time_s(), .body = std::move(body)});
    }
    /// Facts that are no events go to the records only.
    void record(RecordEntry entry) { m_store.append(std::move(entry)); }
    /// The error when the records cannot be written any more.
    Result<void> health() const { return m_store.health(); }

  private:
    std::string m_run_id;
    RunStore& m_store;
    RunListener& m_listener;
};

}  // namespace dayrun::core
