// Painting of the rail's buttons. Neighbour: main_window.cpp switches the stages.
#include "ui/shell/stage_rail.h"

#include <QPainter>
#include <QPainterPath>
#include <QVBoxLayout>

#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

QString statusWord(StageStatus status) {
    switch (status) {
        case StageStatus::Empty:
            return StageRail::tr("empty");
        case StageStatus::Attention:
            return StageRail::tr("needs attention");
        case StageStatus::Ready:
            return StageRail::tr("ready");
        case StageStatus::Running:
            return StageRail::tr("running");
        case StageStatus::Done:
            return StageRail::tr("done");
    }
    return {};
}

}  // namespace

RailButton::RailButton(Glyph glyph, const QString& text, const QString& shortcut, QWidget* parent)
    : QAbstractButton(parent), m_glyph(glyph), m_shortcut(shortcut) {
    setText(text);
    setCheckable(true);
    setFocusPolicy(Qt::StrongFocus);
    setCursor(Qt::PointingHandCursor);
    setStatus(StageStatus::Empty, {});
}

void RailButton::setStatus(StageStatus status, const QString& words) {
    m_status = status;
    const QString said = words.isEmpty() ? statusWord(status) : words;
    setAccessibleName(text());
    setAccessibleDescription(tr("%1, %2").arg(statusWord(status), said));
    setToolTip(tr("%1 (%2)\n%3").arg(text(), m_shortcut, said));
    update();
}

QSize RailButton::sizeHint() const {
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    const int text_width = QFontMetrics(bold).horizontalAdvance(text());
    return {std::max(80, text_width + 24), 46 + fontMetrics().height()};
}

void RailButton::enterEvent(QEnterEvent* event) {
    QAbstractButton::enterEvent(event);
    update();
}

void RailButton::leaveEvent(QEvent* event) {
    QAbstractButton::leaveEvent(event);
    update();
}

void RailButton::paintEvent(QPaintEvent*) {
    const ThemeColors& colors = Theme::instance().colors();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF area = QRectF(rect()).adjusted(5, 3, -5, -3);
    QPainterPath shape;
    shape.addRoundedRect(area, 9, 9);
    if (isChecked()) {
        painter.fillPath(shape, colors.selection);
    } else if (underMouse() && isEnabled()) {
        painter.fillPath(shape, colors.raised);
    }
    if (hasFocus()) {
        painter.setPen(QPen(colors.accent, 2));
        painter.drawPath(shape);
    }
    const QColor ink = !isEnabled() ? colors.border : isChecked() ? colors.accent : colors.muted;
    const double text_height = fontMetrics().height();
    const QRectF glyph(rect().center().x() - 12, 9, 25, 25);
    paintGlyph(painter, glyph, m_glyph, ink);
    painter.setPen(!isEnabled() ? colors.muted : isChecked() ? colors.accent : colors.text);
    QFont used = font();
    used.setWeight(isChecked() ? QFont::DemiBold : QFont::Normal);
    painter.setFont(used);
    painter.drawText(QRectF(0, height() - text_height - 9, width(), text_height), Qt::AlignCenter,
                     text());
    if (isEnabled()) paintStatus(painter, QPointF(glyph.right() + 7, glyph.top() + 2));
}

void RailButton::paintStatus(QPainter& painter, const QPointF& center) const {
    const ThemeColors& colors = Theme::instance().colors();
    const double r = 4;
    painter.setBrush(Qt::NoBrush);
    switch (m_status) {
        case StageStatus::Empty:
            painter.setPen(QPen(colors.muted, 1.4));
            painter.drawEllipse(center, r - 0.6, r - 0.6);
            break;
        case StageStatus::Attention: {
            QPainterPath triangle(center + QPointF(0, -r - 0.5));
            triangle.lineTo(center + QPointF(r + 1, r));
            triangle.lineTo(center + QPointF(-r - 1, r));
            triangle.closeSubpath();
            painter.fillPath(triangle, colors.warning);
            break;
        }
        case StageStatus::Ready:
            painter.setPen(Qt::NoPen);
            painter.setBrush(colors.accent);
            painter.drawEllipse(center, r, r);
            break;
        case StageStatus::Running: {
            QPainterPath play(center + QPointF(-r + 1, -r - 0.5));
            play.lineTo(center + QPointF(r + 1, 0));
            play.lineTo(center + QPointF(-r + 1, r + 0.5));
            play.closeSubpath();
            painter.fillPath(play, colors.good);
            break;
        }
        case StageStatus::Done:
            painter.setPen(QPen(colors.good, 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
            painter.drawPolyline(QPolygonF{center + QPointF(-r, 0), center + QPointF(-1, r - 1),
                                           center + QPointF(r, -r + 0.5)});
            break;
    }
}

StageRail::StageRail(QWidget* parent) : QFrame(parent) {
    setProperty("kind", QStringLiteral("rail"));
    setAccessibleName(tr("Stages"));
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(2, 8, 2, 8);
    column->setSpacing(4);
    for (size_t i = 0; i < m_buttons.size(); ++i) {
        const StageId stage = kStages[i].id;
        auto* button = new RailButton(kStages[i].glyph, stageTitle(stage),
                                      QStringLiteral("Ctrl+%1").arg(i + 1), this);
        connect(button, &RailButton::clicked, this, [this, stage] { Q_EMIT stageChosen(stage); });
        column->addWidget(button);
        m_buttons[i] = button;
    }
    column->addStretch();
}

void StageRail::setCurrent(StageId stage) {
    for (size_t i = 0; i < m_buttons.size(); ++i) {
        m_buttons[i]->setChecked(kStages[i].id == stage);
    }
}

void StageRail::clearCurrent() {
    for (RailButton* button : m_buttons) button->setChecked(false);
}

void StageRail::setStatus(StageId stage, StageStatus status, const QString& words) {
    button(stage)->setStatus(status, words);
}

}  // namespace dayrun::ui
