// Neighbour: charts/chart_view.h draws, run_stage.cpp feeds.
#include "ui/stages/run/run_charts.h"

#include <QGridLayout>

#include "core/base/units.h"
#include "ui/bridge/run_text.h"
#include "ui/charts/chart_view.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;

QWidget* titled(const QString& title, ChartView* chart) {
    auto* card = new Card;
    card->body()->setContentsMargins(12, 8, 8, 6);
    card->body()->setSpacing(2);
    card->body()->addWidget(makeLabel(title, "section"));
    card->body()->addWidget(chart, 1);
    return card;
}

}  // namespace

RunCharts::RunCharts(QWidget* parent) : QWidget(parent) {
    m_crosshair = new Crosshair(this);
    const auto number = [](double value) { return lossText(value); };
    m_loss = new ChartView({.title = tr("Loss"),
                            .x_label = tr("step"),
                            .y_label = tr("nats per token"),
                            .empty_text = {},
                            .y_text = number},
                           m_crosshair);
    m_memory = new ChartView(
        {.title = tr("Memory"),
         .x_label = tr("step"),
         .y_label = tr("MiB at most"),
         .empty_text = {},
         .y_text =
             [](double mib) { return toQt(core::format_bytes(static_cast<int64_t>(mib * kMiB))); }},
        m_crosshair);
    m_memory->setStartsAtZero(true);
    m_rate = new ChartView({.title = tr("Learning rate"),
                            .x_label = tr("step"),
                            .y_label = tr("learning rate"),
                            .empty_text = {},
                            .y_text = [](double rate) { return rateText(rate); }},
                           m_crosshair);
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(12);
    grid->addWidget(titled(tr("Loss"), m_loss), 0, 0, 2, 1);
    grid->addWidget(titled(tr("Memory"), m_memory), 0, 1);
    grid->addWidget(titled(tr("Learning rate"), m_rate), 1, 1);
    grid->setColumnStretch(0, 3);
    grid->setColumnStretch(1, 2);

    const Theme& theme = Theme::instance();
    m_raw = m_loss->addCurve(tr("each step"), theme.seriesPen(0), CurveKind::FaintLine);
    QPen smooth_pen = theme.seriesPen(0, 2.2);
    smooth_pen.setStyle(Qt::SolidLine);
    m_smoothed = m_loss->addCurve(tr("smoothed"), smooth_pen);
    m_validation = m_loss->addCurve(tr("validation"), theme.seriesPen(1), CurveKind::Markers);
    QPen memory_pen = theme.seriesPen(2);
    memory_pen.setStyle(Qt::SolidLine);
    m_memory->addCurve(tr("memory"), memory_pen);
    QPen rate_pen = theme.seriesPen(3);
    rate_pen.setStyle(Qt::SolidLine);
    m_rate->addCurve(tr("learning rate"), rate_pen);
}

void RunCharts::setEmptyText(const QString& text) {
    for (ChartView* chart : {m_loss, m_memory, m_rate}) chart->setEmptyText(text);
}

int RunCharts::pointCount() const {
    return m_loss->pointCount(m_raw);
}

void RunCharts::reset(const RunView* run) {
    for (ChartView* chart : {m_loss, m_memory, m_rate}) {
        for (int curve = 0; curve < chart->curveCount(); ++curve) chart->feed(curve).clear();
    }
    if (run == nullptr) return refresh();
    addSteps(*run, 0);
    addEvals(*run);
}

void RunCharts::append(const core::StepMetrics& step) {
    const auto x = static_cast<double>(step.step);
    m_loss->feed(m_raw).append(x, step.loss);
    m_memory->feed(0).append(x, static_cast<double>(step.device_bytes_peak) / kMiB);
    m_rate->feed(0).append(x, step.learning_rate);
}

void RunCharts::addSteps(const RunView& run, int first) {
    for (size_t i = static_cast<size_t>(first); i < run.steps.size(); ++i) append(run.steps[i]);
    for (ChartView* chart : {m_loss, m_memory, m_rate}) {
        chart->setExpectedEnd(static_cast<double>(std::max<int64_t>(run.total_steps, 1)));
    }
    smooth();
    refresh();
}

void RunCharts::addEvals(const RunView& run) {
    SeriesFeed& feed = m_loss->feed(m_validation);
    feed.clear();
    for (const core::EvalMetrics& eval : run.evals) {
        if (eval.source_id == "all") feed.append(static_cast<double>(eval.step), eval.loss);
    }
    m_loss->refresh();
}

void RunCharts::smooth() {
    m_loss->feed(m_smoothed) = m_loss->feed(m_raw).smoothed(m_smoothing);
}

void RunCharts::refresh() {
    for (ChartView* chart : {m_loss, m_memory, m_rate}) chart->refresh();
}

void RunCharts::setSmoothing(double weight) {
    m_smoothing = weight;
    smooth();
    m_loss->refresh();
}

void RunCharts::setLogScale(bool is_log) {
    m_loss->setLogScale(is_log);
}

}  // namespace dayrun::ui
