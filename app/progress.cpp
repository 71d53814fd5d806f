// Draws the bar and the lines. Neighbour: progress.h.
#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/units.h"

namespace dayrun::app {
namespace {

constexpr double kBarEverySeconds = 0.1;
constexpr double kLineEverySeconds = 10;
constexpr int kBarWidth = 24;

std::string bar(double share) {
    const int filled = static_cast<int>(std::lround(kBarWidth * std::clamp(share, 0.0, 1.0)));
    std::string text;
    for (int i = 0; i < kBarWidth; ++i) text += i < filled ? "█" : "░";
    return text;
}

}  // namespace

Progress::Progress() : m_terminal(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
    clear_bar();
}

void Progress::on_event(const core::RunEvent& event) {
    if (const auto* step = std::get_if<core::StepMetrics>(&event.body)) {
        show_step(*step);
    } else if (const auto* eval = std::get_if<core::EvalMetrics>(&event.body)) {
        if (eval->source_id == "all") {
            say(fmt::format("validated at step {}: loss {:.4f} nats over {}", eval->step,
                            eval->loss, core::count_of(eval->target_tokens, "token")));
        }
    } else if (const auto* state = std::get_if<core::StateChanged>(&event.body)) {
        if (state->state == core::RunState::Preparing) say("preparing model and data");
        if (state->state == core::RunState::Training) say("training");
    } else if (const auto* line = std::get_if<core::LogLine>(&event.body)) {
        if (line->level == "warning" || line->level == "error") {
            say(fmt::format("{}: {}", line->level, line->message));
        }
    } else if (const auto* failed = std::get_if<core::RunFailed>(&event.body)) {
        say("failed: " + failed->error.text());
    }
}

void Progress::show_step(const core::StepMetrics& metrics) {
    const double now = m_clock.elapsed_s();
    const double every = m_terminal ? kBarEverySeconds : kLineEverySeconds;
    const bool last = metrics.eta_s <= 0;
    if (now - m_last_shown_s < every && metrics.step > 1 && !last) return;
    m_last_shown_s = now;
    const double whole = metrics.wall_s + metrics.eta_s;
    const double share = whole > 0 ? metrics.wall_s / whole : 0;
    const std::string text =
        fmt::format("step {}  loss {:.4f}  {} tok/s  {} left", metrics.step, metrics.loss,
                    core::format_count(std::llround(metrics.tokens_per_second)),
                    core::format_duration(metrics.eta_s));
    if (!m_terminal) {
        fmt::print(stderr, "{}\n", text);
        return;
    }
    fmt::print(stderr, "\r\x1b[K{} {:3.0f} %  {}", bar(share), 100 * share, text);
    std::fflush(stderr);
    m_bar_shown = true;
}

void Progress::say(const std::string& line) {
    clear_bar();
    fmt::print(stderr, "{}\n", line);
}

void Progress::clear_bar() {
    if (m_bar_shown) fmt::print(stderr, "\r\x1b[K");
    m_bar_shown = false;
}

}  // namespace dayrun::app
