// Painting of the ring and the memory bar. Neighbour: theme.h has the colours.
#include "ui/look/gauges.h"

#include <QPainter>
#include <QPainterPath>
#include <algorithm>
#include <array>

#include "core/base/units.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"

namespace dayrun::ui {

DayRing::DayRing(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    setAccessibleName(tr("Share of the day"));
    setShares(0, 0);
}

void DayRing::setShares(double used, double planned) {
    m_used = std::clamp(used, 0.0, 1.0);
    m_planned = std::clamp(planned, m_used, 1.0);
    const QString text = tr("%1 % of 24 h used, %2 % planned")
                             .arg(100 * used, 0, 'f', used < 0.1 ? 2 : 0)
                             .arg(100 * planned, 0, 'f', planned < 0.1 ? 2 : 0);
    setToolTip(text);
    setAccessibleDescription(text);
    update();
}

void DayRing::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const double width = 4;
    const QRectF ring = QRectF(rect()).adjusted(width, width, -width, -width);
    const auto draw = [&](const QColor& color, double share) {
        painter.setPen(QPen(color, width, Qt::SolidLine, Qt::FlatCap));
        painter.drawArc(ring, 90 * 16, -static_cast<int>(share * 360 * 16));
    };
    draw(colors.border, 1.0);
    QColor faint = colors.accent;
    faint.setAlpha(110);
    draw(faint, m_planned);
    // Less than two degrees cannot be seen; a run that has begun always shows.
    draw(colors.accent, m_used > 0 ? std::max(m_used, 0.012) : 0.0);
}

MemoryBar::MemoryBar(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("Memory by part"));
}

int64_t MemoryBar::total() const {
    int64_t sum = 0;
    for (const Part& part : m_parts) sum += part.bytes;
    return sum;
}

void MemoryBar::setParts(std::vector<Part> parts, std::optional<int64_t> limit_bytes) {
    m_parts = std::move(parts);
    m_limit = limit_bytes;
    QStringList lines;
    for (const Part& part : m_parts) {
        lines << tr("%1: %2").arg(part.name, toQt(core::format_bytes(part.bytes)));
    }
    lines << tr("In all: %1").arg(toQt(core::format_bytes(total())));
    if (m_limit) lines << tr("Limit: %1").arg(toQt(core::format_bytes(*m_limit)));
    setToolTip(lines.join(QLatin1Char('\n')));
    setAccessibleDescription(lines.join(QStringLiteral(", ")));
    update();
}

QBrush MemoryBar::partBrush(int index) {
    // Hatching tells the parts apart without colour.
    const std::array<Qt::BrushStyle, 4> styles{Qt::SolidPattern, Qt::Dense3Pattern,
                                               Qt::BDiagPattern, Qt::Dense5Pattern};
    return {Theme::instance().seriesPen(index).color(), styles[static_cast<size_t>(index) % 4]};
}

void MemoryBar::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF area = QRectF(rect()).adjusted(1, 5, -1, -5);
    QPainterPath shape;
    shape.addRoundedRect(area, 5, 5);
    painter.fillPath(shape, colors.raised);

    // A small plan on a big machine would be a dot: then the bar shows the parts among themselves.
    const int64_t sum = total();
    const int64_t scale = m_limit && (m_always_to_limit || sum * 20 > *m_limit)
                              ? std::max(sum, *m_limit)
                              : std::max<int64_t>(sum, 1);
    painter.save();
    painter.setClipPath(shape);
    double x = area.left();
    for (size_t i = 0; i < m_parts.size(); ++i) {
        const double width =
            area.width() * static_cast<double>(m_parts[i].bytes) / static_cast<double>(scale);
        painter.fillRect(QRectF(x, area.top(), width, area.height()),
                         partBrush(static_cast<int>(i)));
        x += width;
        if (width > 1)
            painter.fillRect(QRectF(x - 1, area.top(), 1, area.height()), colors.surface);
    }
    painter.restore();
    painter.setPen(QPen(colors.border, 1));
    painter.drawPath(shape);
    if (m_limit && *m_limit <= scale && scale > sum) {
        painter.setPen(QPen(colors.text, 2));
        painter.drawLine(QPointF(area.right(), rect().top() + 1.0),
                         QPointF(area.right(), rect().bottom() - 1.0));
    } else if (m_limit && *m_limit < sum) {
        const double at =
            area.left() + area.width() * static_cast<double>(*m_limit) / static_cast<double>(scale);
        painter.setPen(QPen(colors.bad, 3));
        painter.drawLine(QPointF(at, rect().top() + 1.0), QPointF(at, rect().bottom() - 1.0));
    }
}

PartSwatch::PartSwatch(int index, QWidget* parent) : QWidget(parent), m_index(index) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void PartSwatch::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const QRect area = rect().adjusted(1, 1, -1, -1);
    painter.fillRect(area, MemoryBar::partBrush(m_index));
    painter.setPen(Theme::instance().colors().border);
    painter.drawRect(area);
}

}  // namespace dayrun::ui
