// Small parts that every stage is made of: labels by kind, cards, elided text, lines of facts and
// empty states. They carry accessible names from birth. Ui thread.
#pragma once

#include <QFrame>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>
#include <functional>
#include <utility>
#include <vector>

#include "ui/look/icons.h"

class QComboBox;
class QGridLayout;
class QToolButton;

namespace dayrun::ui {

/// The kinds the style sheet knows: muted, section, good, warning, bad.
QLabel* makeLabel(const QString& text, const char* kind = nullptr, QWidget* parent = nullptr);
QLabel* makeTitle(const QString& text, QWidget* parent = nullptr);
QPushButton* makeButton(const QString& text, const QString& description, const char* kind = nullptr,
                        QWidget* parent = nullptr);
/// A small button with a glyph; the name is its tooltip and its accessible name.
QToolButton* makeToolButton(Glyph glyph, const QString& name, QWidget* parent = nullptr);
/// A choice that its longest entry does not make wide: a small window keeps its size.
QComboBox* makeChoice(const QString& name, const QString& description);
QFrame* makeLine(QWidget* parent = nullptr);
/// Re-reads the style sheet after a dynamic property has changed.
void restyle(QWidget* widget);
void setKind(QWidget* widget, const char* kind);
/// Removes and deletes everything in a layout.
void clearLayout(QLayout* layout);

/// One line of text that ends in "…" where it does not fit; the whole text is the tooltip.
class ElidedLabel : public QLabel {
    Q_OBJECT

  public:
    explicit ElidedLabel(const QString& text = {}, Qt::TextElideMode mode = Qt::ElideRight,
                         QWidget* parent = nullptr);
    QSize minimumSizeHint() const override;
    QSize sizeHint() const override;

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    Qt::TextElideMode m_mode;
};

/// A bordered box; with `Clickable` it takes the focus and emits activated on click, Space, Enter.
class Card : public QFrame {
    Q_OBJECT
    Q_PROPERTY(bool selected READ isSelected WRITE setSelected)

  public:
    enum class Use { Plain, Clickable };
    explicit Card(Use use = Use::Plain, QWidget* parent = nullptr);
    QVBoxLayout* body() const { return m_body; }
    bool isSelected() const { return m_selected; }
    void setSelected(bool selected);

  Q_SIGNALS:
    void activated();

  protected:
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

  private:
    QVBoxLayout* m_body;
    Use m_use;
    bool m_selected = false;
};

/// "Name   value" lines; values can be selected and copied, and wrap.
class FactList : public QWidget {
    Q_OBJECT

  public:
    using Facts = std::vector<std::pair<QString, QString>>;
    explicit FactList(QWidget* parent = nullptr);
    void setFacts(const Facts& facts);
    /// Names wrap too: for the narrow inspector.
    void setNarrow(bool is_narrow) { m_is_narrow = is_narrow; }

  private:
    void build(const Facts& facts);

    QGridLayout* m_grid;
    bool m_is_narrow = false;
    std::vector<QString> m_names;
    std::vector<QLabel*> m_values;
};

/// What belongs here, one primary button and one more way in.
class EmptyState : public QWidget {
    Q_OBJECT

  public:
    EmptyState(Glyph glyph, const QString& title, const QString& text, QWidget* parent = nullptr);
    QPushButton* addPrimary(const QString& text, const QString& description);
    QPushButton* addSecondary(const QString& text, const QString& description);
    void setText(const QString& text);

  private:
    QLabel* m_text;
    QHBoxLayout* m_buttons;
};

}  // namespace dayrun::ui
