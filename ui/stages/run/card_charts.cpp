// Neighbours: bridge/card_watch.h reads, charts/chart_view.h draws.
#include "ui/stages/run/card_charts.h"

#include <QGridLayout>
#include <algorithm>
#include <optional>

#include "ui/charts/chart_view.h"
#include "ui/charts/crosshair.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr int kInARow = 3;

template <typename Number>
std::optional<double> number(const std::optional<Number>& value, double unit = 1) {
    if (!value) return std::nullopt;
    return static_cast<double>(*value) / unit;
}

/// One figure of the card: its name, its unit, and where it stands in a reading.
struct FigureInfo {
    const char* title;
    const char* unit;
    int decimals;
    std::optional<double> (*value)(const core::CardReading&);
};

const std::array<FigureInfo, 5> kFigureInfos{{
    {QT_TRANSLATE_NOOP("CardCharts", "Card memory"), "GiB", 1,
     [](const core::CardReading& r) { return number(r.used_bytes, kGiB); }},
    {QT_TRANSLATE_NOOP("CardCharts", "Card load"), "%", 0,
     [](const core::CardReading& r) { return number(r.utilization_percent); }},
    {QT_TRANSLATE_NOOP("CardCharts", "Power"), "W", 0,
     [](const core::CardReading& r) { return number(r.power_w); }},
    {QT_TRANSLATE_NOOP("CardCharts", "Temperature"), "\u00b0C", 0,
     [](const core::CardReading& r) { return number(r.temperature_c); }},
    {QT_TRANSLATE_NOOP("CardCharts", "Core clock"), "MHz", 0,
     [](const core::CardReading& r) { return number(r.core_clock_mhz); }},
}};

}  // namespace

CardCharts::CardCharts(QWidget* parent) : QWidget(parent) {
    m_crosshair = new Crosshair(this);
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(12);
    for (size_t i = 0; i < kFigures; ++i) {
        const FigureInfo& info = kFigureInfos[i];
        const QString title = tr(info.title);
        const QString unit = QString::fromUtf8(info.unit);
        auto* chart = new ChartView(
            {.title = title,
             .x_label = tr("minutes"),
             .y_label = unit,
             .empty_text = {},
             .y_text = [unit, decimals = info.decimals](
                           double y) { return tr("%1 %2").arg(y, 0, 'f', decimals).arg(unit); }},
            m_crosshair);
        chart->setStartsAtZero(true);
        QPen pen = Theme::instance().seriesPen(static_cast<int>(i));
        pen.setStyle(Qt::SolidLine);
        chart->addCurve(title, pen);
        auto* card = new Card;
        card->body()->setContentsMargins(12, 8, 8, 6);
        card->body()->setSpacing(2);
        card->body()->addWidget(makeLabel(title, "section"));
        card->body()->addWidget(chart, 1);
        card->setMinimumHeight(150);
        grid->addWidget(card, static_cast<int>(i) / kInARow, static_cast<int>(i) % kInARow);
        m_figures[i] = {card, chart};
    }
    hide();
}

void CardCharts::setMoments(const std::vector<CardMoment>& moments) {
    bool has_any = false;
    for (size_t i = 0; i < kFigures; ++i) {
        SeriesFeed& feed = m_figures[i].chart->feed(0);
        feed.clear();
        for (const CardMoment& moment : moments) {
            if (const auto value = kFigureInfos[i].value(moment.reading)) {
                feed.append(moment.minutes, *value);
            }
        }
        m_figures[i].card->setVisible(!feed.isEmpty());
        has_any = has_any || !feed.isEmpty();
        m_figures[i].chart->refresh();
    }
    setVisible(has_any);
}

int CardCharts::shownCount() const {
    return static_cast<int>(
        std::count_if(m_figures.begin(), m_figures.end(),
                      [](const Figure& figure) { return !figure.card->isHidden(); }));
}

}  // namespace dayrun::ui
