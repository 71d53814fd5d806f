// What a person sees of a run on standard error: a bar with rate and time left on a terminal,
// plain lines now and then in a pipe. Called on the run thread; draws at most ten times a second.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/events/run_event.h"

namespace dayrun::app {

class Progress : public core::RunListener {
  public:
    /// `total_steps` 0: unknown until the first step's eta tells.
    Progress();
    ~Progress() override;
    void on_event(const core::RunEvent& event) override;

  private:
    void show_step(const core::StepMetrics& metrics);
    void say(const std::string& line);
    void clear_bar();

    bool m_terminal;
    bool m_bar_shown = false;
    double m_last_shown_s = -1e9;
    core::Stopwatch m_clock;
};

/// Passes every event on to several listeners, in order.
class Listeners : public core::RunListener {
  public:
    explicit Listeners(std::vector<core::RunListener*> listeners)
        : m_listeners(std::move(listeners)) {}
    void on_event(const core::RunEvent& event) override {
        for (core::RunListener* listener : m_listeners) listener->on_event(event);
    }

  private:
    std::vector<core::RunListener*> m_listeners;
};

}  // namespace dayrun::app
