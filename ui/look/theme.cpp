// Fusion plus one small style sheet (resources/style/workbench.qss, whose @names@ are filled in
// here). The sheet only spaces and rounds; colours of standard parts come from the palette.
#include "ui/look/theme.h"

#include <QApplication>
#include <QFile>
#include <QFontDatabase>
#include <QPalette>
#include <QStyleFactory>
#include <array>
#include <utility>

namespace dayrun::ui {
namespace {

ThemeColors lightColors() {
    return {.window = QColor(0xf5f6f8),
            .surface = QColor(0xffffff),
            .raised = QColor(0xeceff3),
            .border = QColor(0xd5dbe2),
            .text = QColor(0x1d232b),
            .muted = QColor(0x59636f),
            .accent = QColor(0x1f62c6),
            .accentText = QColor(0xffffff),
            .selection = QColor(0xdbe8fb),
            .good = QColor(0x14804a),
            .warning = QColor(0x955800),
            .bad = QColor(0xb3261e),
            .grid = QColor(0xe6eaef)};
}

ThemeColors darkColors() {
    return {.window = QColor(0x1a1d22),
            .surface = QColor(0x21252b),
            .raised = QColor(0x2b3038),
            .border = QColor(0x3a414b),
            .text = QColor(0xe7eaee),
            .muted = QColor(0xa4aeba),
            .accent = QColor(0x6ea8ff),
            .accentText = QColor(0x10151c),
            .selection = QColor(0x2b415f),
            .good = QColor(0x5fce96),
            .warning = QColor(0xf0b35c),
            .bad = QColor(0xff8f85),
            .grid = QColor(0x30363e)};
}

QPalette paletteOf(const ThemeColors& c) {
    QPalette palette;
    palette.setColor(QPalette::Window, c.window);
    palette.setColor(QPalette::WindowText, c.text);
    palette.setColor(QPalette::Base, c.surface);
    palette.setColor(QPalette::AlternateBase, c.window);
    palette.setColor(QPalette::Text, c.text);
    palette.setColor(QPalette::PlaceholderText, c.muted);
    palette.setColor(QPalette::Button, c.surface);
    palette.setColor(QPalette::ButtonText, c.text);
    palette.setColor(QPalette::BrightText, c.bad);
    palette.setColor(QPalette::Highlight, c.accent);
    palette.setColor(QPalette::HighlightedText, c.accentText);
    palette.setColor(QPalette::Link, c.accent);
    palette.setColor(QPalette::LinkVisited, c.accent);
    palette.setColor(QPalette::ToolTipBase, c.raised);
    palette.setColor(QPalette::ToolTipText, c.text);
    palette.setColor(QPalette::Mid, c.border);
    palette.setColor(QPalette::Midlight, c.border);
    palette.setColor(QPalette::Light, c.raised);
    palette.setColor(QPalette::Dark, c.border);
    palette.setColor(QPalette::Shadow, c.border);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        QColor faint = c.muted;
        faint.setAlpha(170);
        palette.setColor(QPalette::Disabled, role, faint);
    }
    return palette;
}

QString styleSheetOf(const ThemeColors& c) {
    QFile file(QStringLiteral(":/dayrun/workbench.qss"));
    if (!file.open(QIODevice::ReadOnly)) return {};
    QString sheet = QString::fromUtf8(file.readAll());
    const std::array<std::pair<const char*, QColor>, 13> names{{{"@window@", c.window},
                                                                {"@surface@", c.surface},
                                                                {"@raised@", c.raised},
                                                                {"@border@", c.border},
                                                                {"@text@", c.text},
                                                                {"@muted@", c.muted},
                                                                {"@accentText@", c.accentText},
                                                                {"@accent@", c.accent},
                                                                {"@selection@", c.selection},
                                                                {"@good@", c.good},
                                                                {"@warning@", c.warning},
                                                                {"@bad@", c.bad},
                                                                {"@grid@", c.grid}}};
    for (const auto& [name, color] : names) sheet.replace(QLatin1String(name), color.name());
    return sheet;
}

}  // namespace

Theme& Theme::instance() {
    static Theme s_theme;
    return s_theme;
}

void Theme::apply(QApplication& application, Appearance appearance) {
    if (!m_knows_system) {
        // Our own palette hides the system's afterwards, so its lightness is asked once.
        m_system_is_dark = application.palette().color(QPalette::Window).lightness() < 128;
        m_knows_system = true;
    }
    m_appearance = appearance;
    m_is_dark = appearance == Appearance::Dark ||
                (appearance == Appearance::FollowSystem && m_system_is_dark);
    m_colors = m_is_dark ? darkColors() : lightColors();
    QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    QApplication::setPalette(paletteOf(m_colors));
    application.setStyleSheet(styleSheetOf(m_colors));
    Q_EMIT changed();
}

QPen Theme::seriesPen(int index, double width) const {
    // Okabe and Ito 2008, "Color Universal Design"; yellow left out (too faint on white), black
    // swapped for the text colour so that it shows on dark.
    const std::array<QColor, 7> colors{QColor(0x0072b2), QColor(0xd55e00), QColor(0x009e73),
                                       QColor(0xcc79a7), QColor(0xe69f00), QColor(0x56b4e9),
                                       m_colors.text};
    const std::array<Qt::PenStyle, 4> styles{Qt::SolidLine, Qt::DashLine, Qt::DotLine,
                                             Qt::DashDotLine};
    const auto i = static_cast<size_t>(index);
    QColor color = colors[i % colors.size()];
    if (m_is_dark) color = color.lighter(color.lightness() < 110 ? 145 : 110);
    QPen pen(color, width, styles[i % styles.size()]);
    pen.setCosmetic(true);
    return pen;
}

QFont Theme::titleFont(const QFont& base) {
    QFont font = base;
    font.setPointSizeF(base.pointSizeF() * 1.45);
    font.setWeight(QFont::DemiBold);
    return font;
}

}  // namespace dayrun::ui
