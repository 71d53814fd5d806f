// Bodies of the small parts. Neighbour: resources/style/workbench.qss gives the kinds their look.
#include "ui/look/basics.h"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QPainter>
#include <QStyle>
#include <QToolButton>

#include "ui/look/theme.h"

namespace dayrun::ui {

namespace {

// A path or an id has no space to wrap at: a break without width is allowed after these signs.
QString breakable(const QString& text) {
    QString result;
    int run = 0;
    for (const QChar letter : text) {
        result += letter;
        run = letter.isSpace() ? 0 : run + 1;
        const bool is_joint = letter == QLatin1Char('/') || letter == QLatin1Char('_') ||
                              letter == QLatin1Char(',') || letter == QLatin1Char('-');
        if ((is_joint && run > 4) || run > 18) {
            result += QChar(0x200b);
            run = 0;
        }
    }
    return result;
}

}  // namespace

void restyle(QWidget* widget) {
    widget->style()->unpolish(widget);
    widget->style()->polish(widget);
    widget->update();
}

void setKind(QWidget* widget, const char* kind) {
    const QString wanted = kind == nullptr ? QString() : QString::fromLatin1(kind);
    if (widget->property("kind").toString() == wanted) return;
    widget->setProperty("kind", wanted);
    restyle(widget);
}

QLabel* makeLabel(const QString& text, const char* kind, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    if (kind != nullptr) label->setProperty("kind", QString::fromLatin1(kind));
    label->setTextFormat(Qt::PlainText);
    return label;
}

QLabel* makeTitle(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setFont(Theme::titleFont(label->font()));
    label->setTextFormat(Qt::PlainText);
    return label;
}

QPushButton* makeButton(const QString& text, const QString& description, const char* kind,
                        QWidget* parent) {
    auto* button = new QPushButton(text, parent);
    QString name = text;
    button->setAccessibleName(name.remove(QLatin1Char('&')));
    button->setAccessibleDescription(description);
    button->setToolTip(description);
    button->setAutoDefault(false);
    if (kind != nullptr) button->setProperty("kind", QString::fromLatin1(kind));
    return button;
}

QToolButton* makeToolButton(Glyph glyph, const QString& name, QWidget* parent) {
    auto* button = new QToolButton(parent);
    button->setIcon(makeIcon(glyph));
    button->setProperty("kind", QStringLiteral("quiet"));
    button->setToolTip(name);
    button->setAccessibleName(name);
    button->setAccessibleDescription(name);
    button->setFocusPolicy(Qt::StrongFocus);
    return button;
}

QComboBox* makeChoice(const QString& name, const QString& description) {
    auto* box = new QComboBox;
    box->setAccessibleName(name);
    box->setAccessibleDescription(description);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    box->setMinimumContentsLength(12);
    return box;
}

QFrame* makeLine(QWidget* parent) {
    auto* line = new QFrame(parent);
    line->setProperty("kind", QStringLiteral("line"));
    return line;
}

void clearLayout(QLayout* layout) {
    while (QLayoutItem* item = layout->takeAt(0)) {
        if (item->layout() != nullptr) clearLayout(item->layout());
        if (item->widget() != nullptr) {
            // Hidden at once: a widget that waits for deleteLater would still be painted and tabbed
            // to.
            item->widget()->hide();
            item->widget()->deleteLater();
        }
        delete item;
    }
}

ElidedLabel::ElidedLabel(const QString& text, Qt::TextElideMode mode, QWidget* parent)
    : QLabel(text, parent), m_mode(mode) {
    setTextFormat(Qt::PlainText);
    setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
}

QSize ElidedLabel::minimumSizeHint() const {
    return {fontMetrics().averageCharWidth() * 6, fontMetrics().height() + 2};
}

QSize ElidedLabel::sizeHint() const {
    return {fontMetrics().horizontalAdvance(text()) + 4, fontMetrics().height() + 2};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const QRect area = contentsRect();
    const QString shown = fontMetrics().elidedText(text(), m_mode, area.width());
    if (const QString tip = shown == text() ? QString() : text(); toolTip() != tip) setToolTip(tip);
    painter.setPen(palette().color(foregroundRole()));
    painter.drawText(area, static_cast<int>(alignment()) | Qt::TextSingleLine, shown);
}

Card::Card(Use use, QWidget* parent) : QFrame(parent), m_use(use) {
    setProperty("kind", QStringLiteral("card"));
    m_body = new QVBoxLayout(this);
    m_body->setContentsMargins(14, 12, 14, 12);
    m_body->setSpacing(6);
    if (m_use == Use::Clickable) {
        setFocusPolicy(Qt::StrongFocus);
        setCursor(Qt::PointingHandCursor);
    }
}

void Card::setSelected(bool selected) {
    if (m_selected == selected) return;
    m_selected = selected;
    restyle(this);
}

void Card::mousePressEvent(QMouseEvent* event) {
    QFrame::mousePressEvent(event);
    if (m_use == Use::Clickable) Q_EMIT activated();
}

void Card::keyPressEvent(QKeyEvent* event) {
    const bool is_choice = event->key() == Qt::Key_Space || event->key() == Qt::Key_Return ||
                           event->key() == Qt::Key_Enter;
    if (m_use == Use::Clickable && is_choice) {
        Q_EMIT activated();
        return;
    }
    QFrame::keyPressEvent(event);
}

FactList::FactList(QWidget* parent) : QWidget(parent) {
    // Not a form layout: that one cuts values off that wrap to a second line.
    m_grid = new QGridLayout(this);
    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setHorizontalSpacing(14);
    m_grid->setVerticalSpacing(6);
    m_grid->setColumnStretch(1, 1);
}

void FactList::setFacts(const Facts& facts) {
    // Facts of a run change ten times a second: the labels stay, only their texts are new.
    bool same_names = m_values.size() == facts.size();
    for (size_t i = 0; same_names && i < facts.size(); ++i) {
        same_names = m_names[i] == facts[i].first;
    }
    if (!same_names) build(facts);
    for (size_t i = 0; i < facts.size(); ++i) {
        if (m_values[i]->text() == breakable(facts[i].second)) continue;
        m_values[i]->setText(breakable(facts[i].second));
        m_values[i]->setAccessibleName(facts[i].first + QStringLiteral(": ") + facts[i].second);
        m_values[i]->setToolTip(facts[i].second.size() > 24 ? facts[i].second : QString());
    }
}

void FactList::build(const Facts& facts) {
    clearLayout(m_grid);
    m_names.clear();
    m_values.clear();
    for (const auto& [name, value] : facts) {
        auto* text = makeLabel({});
        text->setWordWrap(true);
        text->setTextInteractionFlags(Qt::TextSelectableByMouse);
        auto* label = makeLabel(m_is_narrow ? breakable(name) : name, "muted");
        if (m_is_narrow) {
            label->setWordWrap(true);
            label->setFixedWidth(std::min(label->fontMetrics().horizontalAdvance(name) + 2,
                                          label->fontMetrics().averageCharWidth() * 13));
            text->setMinimumWidth(60);
        }
        label->setAlignment(Qt::AlignLeft | Qt::AlignTop);
        text->setAlignment(Qt::AlignLeft | Qt::AlignTop);
        const int row = static_cast<int>(m_names.size());
        m_grid->addWidget(label, row, 0);
        m_grid->addWidget(text, row, 1);
        m_names.push_back(name);
        m_values.push_back(text);
    }
}

EmptyState::EmptyState(Glyph glyph, const QString& title, const QString& text, QWidget* parent)
    : QWidget(parent) {
    auto* column = new QVBoxLayout(this);
    column->setSpacing(10);
    column->addStretch(2);
    auto* picture = new QLabel;
    picture->setPixmap(makeIcon(glyph).pixmap(QSize(56, 56)));
    picture->setAlignment(Qt::AlignCenter);
    picture->setAccessibleName(title);
    column->addWidget(picture);
    auto* heading = makeTitle(title);
    heading->setAlignment(Qt::AlignCenter);
    heading->setWordWrap(true);
    column->addWidget(heading);
    m_text = makeLabel(text, "muted");
    m_text->setAlignment(Qt::AlignCenter);
    m_text->setWordWrap(true);
    m_text->setMinimumWidth(260);
    column->addWidget(m_text);
    m_buttons = new QHBoxLayout;
    m_buttons->setSpacing(10);
    m_buttons->addStretch();
    m_buttons->addStretch();
    column->addSpacing(8);
    column->addLayout(m_buttons);
    column->addStretch(3);
}

QPushButton* EmptyState::addPrimary(const QString& text, const QString& description) {
    auto* button = makeButton(text, description, "primary");
    m_buttons->insertWidget(m_buttons->count() - 1, button);
    return button;
}

QPushButton* EmptyState::addSecondary(const QString& text, const QString& description) {
    auto* button = makeButton(text, description);
    m_buttons->insertWidget(m_buttons->count() - 1, button);
    return button;
}

void EmptyState::setText(const QString& text) {
    m_text->setText(text);
}

}  // namespace dayrun::ui
