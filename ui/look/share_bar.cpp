// Neighbours: gauges.h has the brushes, stages/data/mix_page.cpp the legend.
#include "ui/look/share_bar.h"

#include <QPainter>
#include <QPainterPath>

#include "ui/look/gauges.h"
#include "ui/look/theme.h"

namespace dayrun::ui {

ShareBar::ShareBar(QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("Shares of the mix"));
}

void ShareBar::setParts(std::vector<Part> parts) {
    m_parts = std::move(parts);
    QStringList lines;
    for (const Part& part : m_parts) {
        lines << tr("%1: %2 %").arg(part.name).arg(part.share * 100, 0, 'f', 1);
    }
    setToolTip(lines.join(QLatin1Char('\n')));
    setAccessibleDescription(lines.join(QStringLiteral(", ")));
    update();
}

void ShareBar::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF area = QRectF(rect()).adjusted(1, 4, -1, -4);
    QPainterPath shape;
    shape.addRoundedRect(area, 6, 6);
    painter.fillPath(shape, colors.raised);
    painter.setClipPath(shape);
    double x = area.left();
    for (size_t i = 0; i < m_parts.size(); ++i) {
        const QRectF part(x, area.top(), area.width() * m_parts[i].share, area.height());
        painter.fillRect(part, MemoryBar::partBrush(static_cast<int>(i)));
        x += part.width();
        if (part.width() > 1) {
            painter.fillRect(QRectF(x - 1, area.top(), 1, area.height()), colors.surface);
        }
        const QString label = m_parts[i].name;
        const double wanted = fontMetrics().horizontalAdvance(label) + 14;
        if (wanted > part.width()) continue;
        // On its own ground, so that hatching never runs through the letters.
        const QRectF ground(part.left() + 4, part.top() + 3, wanted - 4, part.height() - 6);
        painter.setPen(Qt::NoPen);
        painter.setBrush(colors.surface);
        painter.drawRoundedRect(ground, 4, 4);
        painter.setPen(colors.text);
        painter.drawText(ground, Qt::AlignCenter | Qt::TextSingleLine, label);
    }
    painter.setClipping(false);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colors.border, 1));
    painter.drawPath(shape);
}

}  // namespace dayrun::ui
