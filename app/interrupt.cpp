// Signal handlers may only touch lock-free atomics and write(2). Neighbour: interrupt.h.
#include "app/interrupt.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>

namespace dayrun::app {
namespace {

constexpr std::array kStopSignals{SIGINT, SIGTERM, SIGHUP};

std::atomic<core::RunControl*> s_control{nullptr};
std::atomic<int> s_count{0};

void on_signal(int) {
    if (s_count.fetch_add(1) > 0) _exit(1);
    if (core::RunControl* control = s_control.load()) {
        control->request(core::RunRequest::StopAtCheckpoint);
    }
    static constexpr char kText[] =
        "\ndayrun: stopping after this micro-batch and saving; press Ctrl-C again to stop at "
        "once\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
}

}  // namespace

InterruptGuard::InterruptGuard(core::RunControl& control) {
    s_count = 0;
    s_control = &control;
    for (const int signal : kStopSignals) {
        // nohup ignores SIGHUP on purpose: what is ignored stays so.
        if (std::signal(signal, on_signal) == SIG_IGN) std::signal(signal, SIG_IGN);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

InterruptGuard::~InterruptGuard() {
    for (const int signal : kStopSignals) {
        if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);
    }
    std::signal(SIGPIPE, SIG_DFL);
    s_control = nullptr;
}

}  // namespace dayrun::app
