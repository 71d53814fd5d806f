// The few line icons of the window, drawn by QPainter on a 24 x 24 grid in the text's colour, so
// that they follow light and dark and any scale. Ui thread.
#pragma once

#include <QColor>
#include <QIcon>

namespace dayrun::ui {

enum class Glyph {
    Data,
    Model,
    Plan,
    Run,
    Compare,
    Play,
    Stop,
    Plus,
    Folder,
    Search,
    Revert,
    Settings,
    Warning,
    Check,
    Cross,
    Sample,
    Close,
    Table,
    Chip,
};

/// An icon that draws itself in the theme's text colour (muted when disabled).
QIcon makeIcon(Glyph glyph);
/// Paints one glyph into `area`.
void paintGlyph(QPainter& painter, const QRectF& area, Glyph glyph, const QColor& color);
/// Dayrun's own sign, for the window and the welcome page: a ring that is a day, three quarters
/// run.
QIcon applicationIcon();

}  // namespace dayrun::ui
