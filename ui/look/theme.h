// The look of the window: one calm palette in a light and a dark form, the style sheet, and the
// colours and line styles of charts. Everything that paints asks here. Ui thread.
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>
#include <QPen>

class QApplication;

namespace dayrun::ui {

enum class Appearance { FollowSystem, Light, Dark };

/// Colours by their job, never by their hue.
struct ThemeColors {
    QColor window, surface, raised, border, text, muted, accent, accentText, selection;
    QColor good, warning, bad;  // always beside a word or a sign, never alone
    QColor grid;
};

class Theme : public QObject {
    Q_OBJECT

  public:
    static Theme& instance();

    /// Sets style, palette and sheet of the application; remembers the system's palette first.
    void apply(QApplication& application, Appearance appearance = Appearance::FollowSystem);
    const ThemeColors& colors() const { return m_colors; }
    Appearance appearance() const { return m_appearance; }
    bool isDark() const { return m_is_dark; }

    /// Pen of the n-th curve: colours of Okabe and Ito's set, told apart by line style as well.
    QPen seriesPen(int index, double width = 2.0) const;
    static QFont titleFont(const QFont& base);

  Q_SIGNALS:
    void changed();

  private:
    Theme() = default;

    ThemeColors m_colors;
    Appearance m_appearance = Appearance::FollowSystem;
    bool m_is_dark = false;
    bool m_knows_system = false;
    bool m_system_is_dark = false;
};

}  // namespace dayrun::ui
