// Neighbours: run_controller.h (RunView), core/base/units.h (figures with units).
#include "ui/bridge/run_text.h"

#include <QCoreApplication>
#include <cmath>

#include "core/base/clock.h"
#include "core/base/units.h"
#include "ui/bridge/run_controller.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("RunText", text);
}

}  // namespace

QString stateText(core::RunState state, core::RunRequest pending) {
    if (!isOver(state)) {
        switch (pending) {
            case core::RunRequest::None:
                break;
            case core::RunRequest::Park:
                return tr("Parking");
            case core::RunRequest::FinishNow:
                return tr("Finishing now");
            case core::RunRequest::StopAtCheckpoint:
                return tr("Stopping");
            case core::RunRequest::Discard:
                return tr("Discarding");
        }
    }
    switch (state) {
        case core::RunState::Draft:
            return tr("Draft");
        case core::RunState::Queued:
            return tr("Queued");
        case core::RunState::Preparing:
            return tr("Preparing");
        case core::RunState::Training:
            return tr("Training");
        case core::RunState::Evaluating:
            return tr("Validating");
        case core::RunState::Parked:
            return tr("Parked");
        case core::RunState::Finishing:
            return tr("Finishing");
        case core::RunState::Finished:
            return tr("Finished");
        case core::RunState::Stopped:
            return tr("Stopped");
        case core::RunState::Failed:
            return tr("Failed");
    }
    return {};
}

bool isOver(core::RunState state) {
    return state == core::RunState::Finished || state == core::RunState::Stopped ||
           state == core::RunState::Failed || state == core::RunState::Parked ||
           state == core::RunState::Draft;
}

QString stateSign(core::RunState state) {
    switch (state) {
        case core::RunState::Finished:
            return QStringLiteral("\u2713");
        case core::RunState::Stopped:
            return QStringLiteral("\u25a0");
        case core::RunState::Parked:
            return QStringLiteral("\u2016");
        case core::RunState::Failed:
            return QStringLiteral("\u26a0");
        case core::RunState::Draft:
            return QStringLiteral("\u25cb");
        default:
            return QStringLiteral("\u25b6");
    }
}

QString lossText(double loss) {
    return std::isfinite(loss) ? QString::number(loss, 'f', loss < 0.1 ? 5 : 4)
                               : QStringLiteral("\u2013");
}

QString rateText(double learning_rate) {
    return QString::number(learning_rate, 'e', 2);
}

QString speedText(double tokens_per_second) {
    return tr("%1 tok/s").arg(toQt(core::format_count(std::llround(tokens_per_second))));
}

QString durationText(double seconds) {
    const auto whole = static_cast<qint64>(std::max(0.0, seconds));
    const auto two = [](qint64 value) {
        return QStringLiteral("%1").arg(value, 2, 10, QLatin1Char('0'));
    };
    const qint64 minutes = whole / 60 % 60;
    if (whole < 3600) return QStringLiteral("%1:%2").arg(minutes).arg(two(whole % 60));
    return QStringLiteral("%1:%2:%3").arg(whole / 3600).arg(two(minutes), two(whole % 60));
}

double elapsedSeconds(const RunView& run, bool is_running) {
    if (is_running) return std::max(0.0, core::unix_time_s() - run.started_at);
    return run.steps.empty() ? 0.0 : run.steps.back().wall_s;
}

QString finishText(const RunView& run, bool is_running) {
    if (!is_running) return stateText(run.state);
    if (run.steps.empty()) return tr("finishing time after step 1");
    const double eta = run.steps.back().eta_s;
    const QString clock = toQt(core::clock_time(core::unix_time_s() + eta));
    // The band is the spread of what the last steps foretold, each from its own moment.
    double low = HUGE_VAL;
    double high = -HUGE_VAL;
    const size_t first = run.steps.size() > 30 ? run.steps.size() - 30 : 0;
    for (size_t i = first; i < run.steps.size(); ++i) {
        const double end = run.steps[i].wall_s + run.steps[i].eta_s;
        low = std::min(low, end);
        high = std::max(high, end);
    }
    const auto minutes = static_cast<int>(std::ceil((high - low) / 2 / 60));
    if (eta < 120) return tr("finishes %1").arg(clock);
    return tr("finishes %1 (\u00b1%2 min)").arg(clock).arg(minutes);
}

}  // namespace dayrun::ui
