// A handler may do little more than write(2), so it writes into a pipe that the event loop watches.
#include "ui/shell/quit_signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <QSocketNotifier>
#include <array>
#include <atomic>
#include <csignal>

namespace dayrun::ui {
namespace {

std::atomic<int> s_pipe_end{-1};

void onSignal(int signal_number) {
    // The next one is the system's again: whoever asks twice does not want to wait.
    std::signal(signal_number, SIG_DFL);
    static constexpr char kText[] =
        "\ndayrun: saving and closing; press Ctrl-C again to stop at once\n";
    [[maybe_unused]] auto written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
    written = ::write(s_pipe_end.load(), "q", 1);
}

}  // namespace

QuitSignals::QuitSignals(QObject* parent) : QObject(parent) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
    m_descriptor = ends[0];
    s_pipe_end = ends[1];
    auto* notifier = new QSocketNotifier(m_descriptor, QSocketNotifier::Read, this);
    connect(notifier, &QSocketNotifier::activated, this, &QuitSignals::read);
    std::signal(SIGINT, onSignal);
    std::signal(SIGTERM, onSignal);
}

QuitSignals::~QuitSignals() {
    if (m_descriptor < 0) return;
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    ::close(s_pipe_end.exchange(-1));
    ::close(m_descriptor);
}

void QuitSignals::read() {
    char byte = 0;
    if (::read(m_descriptor, &byte, 1) == 1) Q_EMIT quitAsked();
}

}  // namespace dayrun::ui
