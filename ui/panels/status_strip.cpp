// Fields of fixed width, so that numbers change in place. Neighbour: bridge/run_text.h has the
// words.
#include "ui/panels/status_strip.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QTimer>

#include "core/base/units.h"
#include "ui/bridge/machine.h"
#include "ui/bridge/run_controller.h"
#include "ui/bridge/run_text.h"
#include "ui/look/basics.h"
#include "ui/look/gauges.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

constexpr double kDaySeconds = 24 * 3600.0;
constexpr int kMessageMs = 6000;

}  // namespace

StatusStrip::StatusStrip(QWidget* parent) : QWidget(parent), m_memory_limit(hostMemoryBytes()) {
    setAccessibleName(tr("Status of the run"));
    auto* line = new QHBoxLayout(this);
    line->setContentsMargins(12, 2, 12, 2);
    line->setSpacing(18);
    m_run = new ElidedLabel;
    m_run->setAccessibleName(tr("Run"));
    m_run->setMinimumWidth(190);
    line->addWidget(m_run, 3);
    m_message = new ElidedLabel;
    m_message->setProperty("kind", QStringLiteral("muted"));
    m_message->setAccessibleName(tr("Message"));
    line->addWidget(m_message, 2);

    m_fields = new QWidget;
    auto* fields = new QHBoxLayout(m_fields);
    fields->setContentsMargins(0, 0, 0, 0);
    fields->setSpacing(18);
    line->addWidget(m_fields);
    m_step = addField(tr("Step"), QStringLiteral("step 88,888 / 88,888"));
    m_loss = addField(tr("Loss"), QStringLiteral("loss 88.8888"));
    m_memory_bar = new MemoryBar;
    m_memory_bar->setAccessibleName(tr("Memory used by the run"));
    m_memory_bar->setFixedSize(72, 22);
    m_memory_bar->setAlwaysToLimit(true);
    fields->addWidget(m_memory_bar);
    m_memory = addField(tr("Memory"), QStringLiteral("8888 MiB of 8888 GiB"));
    m_elapsed = addField(tr("Elapsed"), QStringLiteral("elapsed 88:88:88"));
    m_finishes = addField(tr("Finishing time"), QStringLiteral("finishes 88:88 (\u00b188 min)"));
    m_ring = new DayRing;
    fields->addWidget(m_ring);
    m_share = addField(tr("Share of the day"), QStringLiteral("88.88 % of 24 h"));

    m_message_timer = new QTimer(this);
    m_message_timer->setSingleShot(true);
    connect(m_message_timer, &QTimer::timeout, this, [this] { m_message->clear(); });
    m_clock_timer = new QTimer(this);
    m_clock_timer->setInterval(1000);
    connect(m_clock_timer, &QTimer::timeout, this, &StatusStrip::refresh);
    showIdle(tr("No project open"));
}

QLabel* StatusStrip::addField(const QString& name, const QString& widest) {
    auto* label = makeLabel({});
    label->setAccessibleName(name);
    label->setMinimumWidth(fontMetrics().horizontalAdvance(widest) + 4);
    m_fields->layout()->addWidget(label);
    return label;
}

void StatusStrip::setController(RunController* controller) {
    if (m_controller != nullptr) m_controller->disconnect(this);
    m_controller = controller;
    if (controller != nullptr) {
        connect(controller, &RunController::stepsArrived, this, &StatusStrip::refresh);
        connect(controller, &RunController::stateChanged, this, &StatusStrip::refresh);
        connect(controller, &RunController::currentReplaced, this, &StatusStrip::refresh);
        m_clock_timer->start();
    } else {
        m_clock_timer->stop();
    }
    refresh();
}

void StatusStrip::showIdle(const QString& text) {
    m_run->setText(text);
    m_fields->hide();
}

void StatusStrip::announce(const QString& message) {
    m_message->setText(message);
    m_message->setAccessibleDescription(message);
    m_message_timer->start(kMessageMs);
}

void StatusStrip::refresh() {
    if (m_controller == nullptr) return showIdle(tr("No project open"));
    const RunView* run = m_controller->current();
    if (run == nullptr) {
        return showIdle(tr("No run yet on %1").arg(m_controller->deviceName()));
    }
    const bool is_running = m_controller->isRunning();
    m_fields->show();
    const QString name = run->name.isEmpty() ? run->run_id : run->name;
    m_run->setText(QStringLiteral("%1 %2  \u00b7  %3")
                       .arg(stateSign(run->state), name,
                            stateText(run->state, m_controller->pendingRequest())));
    const bool has_steps = !run->steps.empty();
    const core::StepMetrics last = has_steps ? run->steps.back() : core::StepMetrics{};
    const QString total = run->total_steps > 0
                              ? QStringLiteral(" / ") + toQt(core::format_count(run->total_steps))
                              : QString();
    m_step->setText(tr("step %1%2").arg(toQt(core::format_count(last.step)), total));
    m_loss->setText(tr("loss %1").arg(has_steps ? lossText(last.loss) : QStringLiteral("\u2013")));
    m_memory_bar->setParts({{tr("used at most"), last.device_bytes_peak}}, m_memory_limit);
    m_memory->setText(has_steps ? tr("%1 of %2")
                                      .arg(toQt(core::format_bytes(last.device_bytes_peak)),
                                           toQt(core::format_bytes(m_memory_limit)))
                                : tr("memory \u2013"));
    const double elapsed = elapsedSeconds(*run, is_running);
    m_elapsed->setText(tr("elapsed %1").arg(durationText(elapsed)));
    m_finishes->setText(finishText(*run, is_running));
    const double planned = is_running && has_steps ? elapsed + last.eta_s : elapsed;
    m_ring->setShares(elapsed / kDaySeconds, planned / kDaySeconds);
    const double percent = 100 * elapsed / kDaySeconds;
    m_share->setText(tr("%1 % of 24 h").arg(percent, 0, 'f', percent < 10 ? 2 : 1));
}

}  // namespace dayrun::ui
