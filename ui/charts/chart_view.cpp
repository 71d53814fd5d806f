// Axes, zoom, crosshair and reading of one chart. Neighbour: series_feed.cpp decides the points.
#include "ui/charts/chart_view.h"

#include <QApplication>
#include <QChart>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QDialog>
#include <QGraphicsLayout>
#include <QHeaderView>
#include <QLegend>
#include <QLineSeries>
#include <QLogValueAxis>
#include <QMenu>
#include <QPainterPath>
#include <QScatterSeries>
#include <QTableWidget>
#include <QVBoxLayout>
#include <QValueAxis>
#include <cmath>

#include "core/base/units.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

// The step of round numbers (1, 2 or 5 times a power of ten) that gives about `wanted` ticks.
double niceStep(double span, int wanted) {
    const double raw = span / wanted;
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double part = raw / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

void setNiceRange(QValueAxis& axis, double low, double high, int ticks) {
    if (!(high > low)) {
        const double half = low == 0 ? 0.5 : std::abs(low) * 0.05;
        low -= half;
        high += half;
    }
    const double step = niceStep(high - low, ticks);
    axis.setTickType(QValueAxis::TicksDynamic);
    axis.setTickAnchor(0);
    axis.setTickInterval(step);
    axis.setRange(low, high);
    const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
    const bool is_tiny = std::max(std::abs(low), std::abs(high)) < 0.01;
    axis.setLabelFormat(is_tiny ? QStringLiteral("%.2g")
                                : QStringLiteral("%.%1f").arg(std::min(digits, 4)));
}

}  // namespace

ChartView::ChartView(ChartText text, Crosshair* crosshair, QWidget* parent)
    : QChartView(parent), m_text(std::move(text)), m_crosshair(crosshair) {
    setRubberBand(QChartView::HorizontalRubberBand);
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setMinimumSize(200, 128);
    setFrameShape(QFrame::NoFrame);
    chart()->setAnimationOptions(QChart::NoAnimation);
    chart()->setMargins(QMargins(4, 0, 8, 0));
    chart()->layout()->setContentsMargins(0, 0, 0, 0);
    chart()->setBackgroundRoundness(0);
    chart()->setDropShadowEnabled(false);
    chart()->legend()->setAlignment(Qt::AlignTop);
    chart()->legend()->setMarkerShape(QLegend::MarkerShapeFromSeries);
    makeAxes();
    setAccessibleName(m_text.title);
    describe();
    applyTheme();
    connect(&Theme::instance(), &Theme::changed, this, &ChartView::applyTheme);
    if (m_crosshair != nullptr) {
        connect(m_crosshair, &Crosshair::moved, this, [this] { viewport()->update(); });
    }
}

void ChartView::makeAxes() {
    for (QAbstractAxis* axis : {m_axis_x, m_axis_y}) {
        if (axis == nullptr) continue;
        chart()->removeAxis(axis);
        delete axis;
    }
    m_axis_x = new QValueAxis(this);
    if (m_is_log) {
        auto* axis = new QLogValueAxis(this);
        axis->setBase(10);
        axis->setLabelFormat(QStringLiteral("%.2g"));
        axis->setMinorTickCount(8);
        m_axis_y = axis;
    } else {
        m_axis_y = new QValueAxis(this);
    }
    chart()->addAxis(m_axis_x, Qt::AlignBottom);
    chart()->addAxis(m_axis_y, Qt::AlignLeft);
    for (const Curve& curve : m_curves) {
        curve.series->attachAxis(m_axis_x);
        curve.series->attachAxis(m_axis_y);
    }
    applyTheme();
    setRanges();
}

void ChartView::applyTheme() {
    const ThemeColors& colors = Theme::instance().colors();
    chart()->setBackgroundBrush(colors.surface);
    chart()->setBackgroundPen(Qt::NoPen);
    chart()->legend()->setLabelColor(colors.text);
    QFont small = font();
    small.setPointSizeF(std::max(7.5, font().pointSizeF() * 0.88));
    chart()->legend()->setFont(small);
    const auto paint = [&](QAbstractAxis* axis, const QString& label) {
        if (axis == nullptr) return;
        axis->setTitleText(label);
        axis->setTitleFont(small);
        axis->setTitleBrush(colors.muted);
        axis->setLabelsFont(small);
        axis->setLabelsColor(colors.muted);
        axis->setGridLineColor(colors.grid);
        axis->setMinorGridLineVisible(false);
        axis->setLinePenColor(colors.border);
    };
    paint(m_axis_x, m_text.x_label);
    paint(m_axis_y, m_text.y_label);
    setBackgroundBrush(colors.surface);
}

int ChartView::addCurve(const QString& name, const QPen& pen, CurveKind kind) {
    QXYSeries* series = nullptr;
    QPen drawn = pen;
    if (kind == CurveKind::Markers) {
        auto* scatter = new QScatterSeries;
        scatter->setMarkerShape(QScatterSeries::MarkerShapeRotatedRectangle);
        scatter->setMarkerSize(11);
        scatter->setColor(pen.color());
        scatter->setBorderColor(Theme::instance().colors().surface);
        series = scatter;
    } else {
        series = new QLineSeries;
        if (kind == CurveKind::FaintLine) {
            QColor faint = pen.color();
            faint.setAlpha(85);
            drawn = QPen(faint, 1);
        }
        series->setPen(drawn);
    }
    series->setName(name);
    chart()->addSeries(series);
    series->attachAxis(m_axis_x);
    series->attachAxis(m_axis_y);
    const int number = curveCount();
    m_curves.push_back({name, pen, kind, {}, series});
    chart()->legend()->setVisible(m_curves.size() > 1);
    return number;
}

void ChartView::removeCurves() {
    chart()->removeAllSeries();
    m_curves.clear();
    m_zoom.reset();
    setRanges();
    describe();
    viewport()->update();
}

int ChartView::pointCount(int curve) const {
    return static_cast<int>(m_curves[static_cast<size_t>(curve)].feed.x().size());
}

std::pair<double, double> ChartView::wholeX() const {
    double low = 0;
    double high = m_expected_end;
    for (const Curve& curve : m_curves) {
        if (curve.feed.isEmpty()) continue;
        low = std::min(low, curve.feed.x().front());
        high = std::max(high, curve.feed.x().back());
    }
    return {low, high};
}

void ChartView::setRanges() {
    const auto [from, to] = m_zoom.value_or(wholeX());
    setNiceRange(*static_cast<QValueAxis*>(m_axis_x), from, to, std::max(2, width() / 120));
    double low = std::numeric_limits<double>::quiet_NaN();
    double high = low;
    for (const Curve& curve : m_curves) {
        const auto [least, most] = curve.feed.range(from, to);
        if (std::isnan(least)) continue;
        low = std::isnan(low) ? least : std::min(low, least);
        high = std::isnan(high) ? most : std::max(high, most);
    }
    if (std::isnan(low)) {
        low = m_is_log ? 0.1 : 0;
        high = m_is_log ? 10 : 1;
    }
    if (m_is_log) {
        auto* axis = static_cast<QLogValueAxis*>(m_axis_y);
        axis->setRange(std::max(low * 0.9, 1e-9), std::max(high * 1.1, 2e-9));
        return;
    }
    const double margin = high > low ? (high - low) * 0.06 : 0;
    if (m_starts_at_zero) low = 0;
    setNiceRange(*static_cast<QValueAxis*>(m_axis_y), m_starts_at_zero ? 0 : low - margin,
                 high + (m_starts_at_zero ? high * 0.1 : margin), std::max(2, height() / 55));
}

void ChartView::refresh() {
    const auto [from, to] = m_zoom.value_or(wholeX());
    const int pixels = std::max(50, static_cast<int>(chart()->plotArea().width()));
    for (Curve& curve : m_curves) curve.series->replace(curve.feed.columns(from, to, pixels));
    setRanges();
    describe();
}

void ChartView::setEmptyText(const QString& text) {
    m_text.empty_text = text;
    describe();
    viewport()->update();
}

void ChartView::setXLabel(const QString& label) {
    m_text.x_label = label;
    m_axis_x->setTitleText(label);
}

void ChartView::setLogScale(bool is_log) {
    if (m_is_log == is_log) return;
    m_is_log = is_log;
    makeAxes();
    refresh();
}

// A screen reader gets the newest value and the range of every curve instead of a picture.
void ChartView::describe() {
    QStringList lines;
    for (const Curve& curve : m_curves) {
        if (curve.feed.isEmpty()) continue;
        const auto [least, most] = curve.feed.range(-HUGE_VAL, HUGE_VAL);
        lines << tr("%1: %2 points, last %3, from %4 to %5")
                     .arg(curve.name)
                     .arg(curve.feed.x().size())
                     .arg(m_text.y_text(curve.feed.y().back()), m_text.y_text(least),
                          m_text.y_text(most));
    }
    setAccessibleDescription(lines.isEmpty() ? m_text.empty_text
                                             : lines.join(QStringLiteral("; ")));
}

QString ChartView::reading(double x) const {
    QStringList lines;
    for (const Curve& curve : m_curves) {
        if (curve.kind == CurveKind::FaintLine && m_curves.size() > 1) continue;
        const int index = curve.feed.nearest(x);
        if (index < 0) continue;
        const auto i = static_cast<size_t>(index);
        if (lines.isEmpty()) {
            lines << QStringLiteral("%1 %2").arg(m_text.x_label).arg(curve.feed.x()[i]);
        }
        lines << QStringLiteral("%1  %2").arg(curve.name, m_text.y_text(curve.feed.y()[i]));
    }
    return lines.join(QLatin1Char('\n'));
}

void ChartView::drawForeground(QPainter* painter, const QRectF& rect) {
    QChartView::drawForeground(painter, rect);
    const ThemeColors& colors = Theme::instance().colors();
    const QRectF plot = chart()->plotArea();
    const bool is_empty = std::all_of(m_curves.begin(), m_curves.end(),
                                      [](const Curve& c) { return c.feed.isEmpty(); });
    if (is_empty) {
        painter->setPen(colors.muted);
        painter->drawText(plot, Qt::AlignCenter | Qt::TextWordWrap, m_text.empty_text);
        return;
    }
    if (m_crosshair == nullptr || !m_crosshair->position()) return;
    const double x = *m_crosshair->position();
    const double at = chart()->mapToPosition(QPointF(x, 1)).x();
    if (at < plot.left() || at > plot.right()) return;
    painter->setPen(QPen(colors.muted, 1, Qt::DashLine));
    painter->drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()));
    const QString text = reading(x);
    if (text.isEmpty()) return;
    QRectF box = painter->boundingRect(QRectF(0, 0, plot.width(), plot.height()),
                                       Qt::AlignLeft | Qt::AlignTop, text);
    box.adjust(0, 0, 14, 8);
    const bool is_left = at + box.width() + 8 > plot.right();
    box.moveTopLeft(QPointF(is_left ? at - box.width() - 8 : at + 8, plot.top() + 4));
    QPainterPath shape;
    shape.addRoundedRect(box, 5, 5);
    painter->setRenderHint(QPainter::Antialiasing);
    painter->fillPath(shape, colors.raised);
    painter->setPen(colors.border);
    painter->drawPath(shape);
    painter->setPen(colors.text);
    painter->drawText(box.adjusted(7, 4, -7, -4), Qt::AlignLeft | Qt::AlignTop, text);
}

void ChartView::mouseMoveEvent(QMouseEvent* event) {
    QChartView::mouseMoveEvent(event);
    if (m_crosshair == nullptr) return;
    const QPointF scene = mapToScene(event->position().toPoint());
    const bool is_inside = chart()->plotArea().contains(scene);
    m_crosshair->setPosition(is_inside ? std::optional(chart()->mapToValue(scene).x())
                                       : std::nullopt);
}

// The rubber band has zoomed the axes by now: the range is taken over, and y follows the curves.
void ChartView::mouseReleaseEvent(QMouseEvent* event) {
    if (event->button() == Qt::RightButton) return;
    QChartView::mouseReleaseEvent(event);
    const auto* axis = static_cast<QValueAxis*>(m_axis_x);
    const std::pair<double, double> now{axis->min(), axis->max()};
    const auto before = m_zoom.value_or(wholeX());
    if (std::abs(now.first - before.first) + std::abs(now.second - before.second) <
        1e-6 * (before.second - before.first + 1)) {
        return;
    }
    m_zoom = now;
    refresh();
}

void ChartView::mouseDoubleClickEvent(QMouseEvent*) {
    m_zoom.reset();
    refresh();
}

void ChartView::leaveEvent(QEvent* event) {
    QChartView::leaveEvent(event);
    if (m_crosshair != nullptr) m_crosshair->setPosition(std::nullopt);
}

void ChartView::keyPressEvent(QKeyEvent* event) {
    // Arrow keys move the reading, so that the numbers are reached without a mouse.
    if (m_crosshair == nullptr || (event->key() != Qt::Key_Left && event->key() != Qt::Key_Right)) {
        QChartView::keyPressEvent(event);
        return;
    }
    const auto [from, to] = m_zoom.value_or(wholeX());
    const double step = (to - from) / 100;
    const double x = m_crosshair->position().value_or(to);
    const double moved = event->key() == Qt::Key_Left ? x - step : x + step;
    m_crosshair->setPosition(std::clamp(moved, from, to));
    setToolTip(reading(*m_crosshair->position()));
}

void ChartView::resizeEvent(QResizeEvent* event) {
    QChartView::resizeEvent(event);
    refresh();
}

QString ChartView::csv() const {
    QString text = QStringLiteral("curve,%1,%2\n").arg(m_text.x_label, m_text.y_label);
    for (const Curve& curve : m_curves) {
        for (size_t i = 0; i < curve.feed.x().size(); ++i) {
            text += QStringLiteral("%1,%2,%3\n")
                        .arg(curve.name, toQt(core::shortest(curve.feed.x()[i])),
                             toQt(core::shortest(curve.feed.y()[i])));
        }
    }
    return text;
}

void ChartView::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    menu.addAction(tr("Show all"), this, [this] {
        m_zoom.reset();
        refresh();
    });
    menu.addAction(tr("Numbers as a table…"), this, &ChartView::showNumbers);
    menu.addSeparator();
    menu.addAction(tr("Copy image"), this,
                   [this] { QApplication::clipboard()->setPixmap(grab()); });
    menu.addAction(tr("Copy numbers (CSV)"), this,
                   [this] { QApplication::clipboard()->setText(csv()); });
    menu.exec(event->globalPos());
}

void ChartView::showNumbers() {
    auto* dialog = new QDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(m_text.title);
    dialog->resize(520, 480);
    auto* table = new QTableWidget(dialog);
    table->setAccessibleName(tr("Numbers of %1").arg(m_text.title));
    table->setColumnCount(3);
    table->setHorizontalHeaderLabels({tr("Curve"), m_text.x_label, m_text.y_label});
    table->horizontalHeader()->setStretchLastSection(true);
    table->verticalHeader()->hide();
    for (const Curve& curve : m_curves) {
        // A table is read, not scrolled for an hour: at most a thousand lines a curve, evenly
        // taken.
        const size_t stride = curve.feed.x().size() / 1000 + 1;
        for (size_t i = 0; i < curve.feed.x().size(); i += stride) {
            const int row = table->rowCount();
            table->insertRow(row);
            table->setItem(row, 0, new QTableWidgetItem(curve.name));
            table->setItem(row, 1, new QTableWidgetItem(QString::number(curve.feed.x()[i])));
            table->setItem(row, 2, new QTableWidgetItem(m_text.y_text(curve.feed.y()[i])));
        }
    }
    auto* layout = new QVBoxLayout(dialog);
    layout->addWidget(table);
    dialog->show();
}

}  // namespace dayrun::ui
