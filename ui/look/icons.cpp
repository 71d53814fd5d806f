// One function per glyph would be longer than the glyphs: a switch of strokes, all in one pen.
#include "ui/look/icons.h"

#include <QIconEngine>
#include <QPainter>
#include <QPainterPath>

#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

void strokeStage(QPainterPath& p, Glyph glyph) {
    switch (glyph) {
        case Glyph::Data:
            p.addEllipse(QRectF(4, 3.5, 16, 5));
            p.moveTo(4, 6);
            p.lineTo(4, 18);
            p.arcTo(QRectF(4, 15.5, 16, 5), 180, 180);
            p.lineTo(20, 6);
            p.moveTo(4, 12);
            p.arcTo(QRectF(4, 9.5, 16, 5), 180, 180);
            break;
        case Glyph::Model:
            p.moveTo(12, 3.5);
            p.lineTo(20, 8);
            p.lineTo(20, 16);
            p.lineTo(12, 20.5);
            p.lineTo(4, 16);
            p.lineTo(4, 8);
            p.closeSubpath();
            p.moveTo(4, 8);
            p.lineTo(12, 12.5);
            p.lineTo(20, 8);
            p.moveTo(12, 12.5);
            p.lineTo(12, 20.5);
            break;
        case Glyph::Plan:
            for (const double y : {6.0, 12.0, 18.0}) {
                p.moveTo(3.5, y);
                p.lineTo(20.5, y);
            }
            p.addEllipse(QPointF(9, 6), 2.2, 2.2);
            p.addEllipse(QPointF(16, 12), 2.2, 2.2);
            p.addEllipse(QPointF(7, 18), 2.2, 2.2);
            break;
        case Glyph::Run:
            p.moveTo(3, 13);
            p.lineTo(7.5, 13);
            p.lineTo(10, 5);
            p.lineTo(14, 19);
            p.lineTo(16.5, 11);
            p.lineTo(21, 11);
            break;
        case Glyph::Compare:
            p.moveTo(3.5, 20);
            p.lineTo(20.5, 20);
            p.moveTo(3.5, 5);
            p.cubicTo(8, 6, 8, 16, 20.5, 16);
            p.moveTo(3.5, 10);
            p.cubicTo(9, 12, 10, 8, 20.5, 8);
            break;
        default:
            break;
    }
}

void strokeSign(QPainterPath& p, Glyph glyph) {
    switch (glyph) {
        case Glyph::Play:
            p.moveTo(7, 4.5);
            p.lineTo(19, 12);
            p.lineTo(7, 19.5);
            p.closeSubpath();
            break;
        case Glyph::Stop:
            p.addRoundedRect(QRectF(6, 6, 12, 12), 2, 2);
            break;
        case Glyph::Plus:
            p.moveTo(12, 5);
            p.lineTo(12, 19);
            p.moveTo(5, 12);
            p.lineTo(19, 12);
            break;
        case Glyph::Folder:
            p.moveTo(3, 6);
            p.lineTo(9, 6);
            p.lineTo(11, 8.5);
            p.lineTo(21, 8.5);
            p.lineTo(21, 19);
            p.lineTo(3, 19);
            p.closeSubpath();
            break;
        case Glyph::Search:
            p.addEllipse(QPointF(10.5, 10.5), 6, 6);
            p.moveTo(15, 15);
            p.lineTo(20.5, 20.5);
            break;
        case Glyph::Revert:
            p.moveTo(5, 10);
            p.lineTo(14, 10);
            p.cubicTo(21, 10, 21, 19, 14, 19);
            p.lineTo(9, 19);
            p.moveTo(9, 5.5);
            p.lineTo(4.5, 10);
            p.lineTo(9, 14.5);
            break;
        case Glyph::Settings:
            p.addEllipse(QPointF(12, 12), 3, 3);
            p.addEllipse(QPointF(12, 12), 8, 8);
            break;
        case Glyph::Warning:
            p.moveTo(12, 4);
            p.lineTo(21, 19.5);
            p.lineTo(3, 19.5);
            p.closeSubpath();
            p.moveTo(12, 10);
            p.lineTo(12, 14);
            p.moveTo(12, 16.6);
            p.lineTo(12, 16.8);
            break;
        case Glyph::Check:
            p.moveTo(4.5, 12.5);
            p.lineTo(10, 18);
            p.lineTo(20, 6.5);
            break;
        case Glyph::Cross:
        case Glyph::Close:
            p.moveTo(6, 6);
            p.lineTo(18, 18);
            p.moveTo(18, 6);
            p.lineTo(6, 18);
            break;
        case Glyph::Sample:
            p.moveTo(4, 5);
            p.lineTo(20, 5);
            p.lineTo(20, 16);
            p.lineTo(11, 16);
            p.lineTo(7, 20);
            p.lineTo(7, 16);
            p.lineTo(4, 16);
            p.closeSubpath();
            break;
        case Glyph::Table:
            p.addRect(QRectF(4, 5, 16, 14));
            p.moveTo(4, 10);
            p.lineTo(20, 10);
            p.moveTo(10, 5);
            p.lineTo(10, 19);
            break;
        case Glyph::Chip:
            p.addRoundedRect(QRectF(6, 6, 12, 12), 2, 2);
            for (const double at : {9.5, 14.5}) {
                p.moveTo(at, 2.5);
                p.lineTo(at, 6);
                p.moveTo(at, 18);
                p.lineTo(at, 21.5);
                p.moveTo(2.5, at);
                p.lineTo(6, at);
                p.moveTo(18, at);
                p.lineTo(21.5, at);
            }
            break;
        default:
            break;
    }
}

class GlyphEngine final : public QIconEngine {
  public:
    explicit GlyphEngine(Glyph glyph) : m_glyph(glyph) {}

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
        const ThemeColors& colors = Theme::instance().colors();
        paintGlyph(*painter, rect, m_glyph, mode == QIcon::Disabled ? colors.muted : colors.text);
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
        QPixmap pixmap(size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        paint(&painter, QRect(QPoint(0, 0), size), mode, state);
        return pixmap;
    }
    QIconEngine* clone() const override { return new GlyphEngine(m_glyph); }

  private:
    Glyph m_glyph;
};

}  // namespace

void paintGlyph(QPainter& painter, const QRectF& area, Glyph glyph, const QColor& color) {
    QPainterPath path;
    strokeStage(path, glyph);
    strokeSign(path, glyph);
    const double scale = std::min(area.width(), area.height()) / 24.0;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.translate(area.center());
    painter.scale(scale, scale);
    painter.translate(-12, -12);
    QPen pen(color, 1.7, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
    painter.setPen(pen);
    const bool is_solid = glyph == Glyph::Play || glyph == Glyph::Stop;
    painter.setBrush(is_solid ? QBrush(color) : QBrush(Qt::NoBrush));
    painter.drawPath(path);
    painter.restore();
}

QIcon makeIcon(Glyph glyph) {
    return QIcon(new GlyphEngine(glyph));
}

QIcon applicationIcon() {
    QIcon icon;
    for (const int size : {16, 32, 64, 128, 256}) {
        QPixmap pixmap(size, size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.scale(size / 64.0, size / 64.0);
        painter.setPen(Qt::NoPen);
        painter.setBrush(QColor(0x14304f));
        painter.drawRoundedRect(QRectF(2, 2, 60, 60), 14, 14);
        const QRectF ring(14, 14, 36, 36);
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(QColor(0x3b5673), 7));
        painter.drawEllipse(ring);
        painter.setPen(QPen(QColor(0xf2b84b), 7, Qt::SolidLine, Qt::RoundCap));
        painter.drawArc(ring, 90 * 16, -270 * 16);
        icon.addPixmap(pixmap);
    }
    return icon;
}

}  // namespace dayrun::ui
