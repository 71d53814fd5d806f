// Neighbour: models/text_pair.h reads and marks.
#include "ui/panels/text_pair_view.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QTextEdit>
#include <QVBoxLayout>

#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

// Nobody reads on, and the widget stays quick.
constexpr size_t kShownBytes = 40'000;

}  // namespace

TextPairView::TextPairView(QWidget* parent) : QWidget(parent) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    auto* line = new QHBoxLayout;
    line->setSpacing(12);
    m_left = addSide(line, tr("Text of the row"));
    m_right = addSide(line, tr("Text that it repeats"));
    column->addLayout(line, 1);
    m_note = makeLabel({}, "muted");
    m_note->setWordWrap(true);
    m_note->setAccessibleName(tr("What both texts share"));
    column->addWidget(m_note);
    connect(&Theme::instance(), &Theme::changed, this, &TextPairView::draw);
}

TextPairView::Side TextPairView::addSide(QHBoxLayout* line, const QString& name) {
    Side side;
    auto* column = new QVBoxLayout;
    column->setSpacing(4);
    side.title = new ElidedLabel;
    side.title->setAccessibleName(tr("Place: %1").arg(name));
    setKind(side.title, "section");
    column->addWidget(side.title);
    side.text = new QTextEdit;
    side.text->setReadOnly(true);
    side.text->setTabChangesFocus(true);
    side.text->setAccessibleName(name);
    side.text->setAccessibleDescription(tr("What both texts say is bold and underlined"));
    side.text->setMinimumHeight(90);
    column->addWidget(side.text, 1);
    line->addLayout(column, 1);
    return side;
}

void TextPairView::clear(const QString& reason) {
    m_pair = {};
    draw();
    m_note->setText(reason);
}

void TextPairView::showPair(TextPair pair) {
    m_pair = std::move(pair);
    draw();
    m_note->setText(tr("%1 words of the row stand in both texts: bold and underlined.")
                        .arg(numberText(m_pair.sharedWords)));
}

void TextPairView::draw() {
    drawSide(m_left, m_pair.left);
    drawSide(m_right, m_pair.right);
}

void TextPairView::drawSide(const Side& side, const PairSide& shown) {
    const ThemeColors& colors = Theme::instance().colors();
    side.title->setText(shown.title);
    side.text->clear();
    QTextCharFormat heading;
    heading.setForeground(colors.muted);
    heading.setFontWeight(QFont::DemiBold);
    QTextCharFormat plain;
    plain.setForeground(colors.text);
    QTextCharFormat shared = plain;
    shared.setFontWeight(QFont::DemiBold);
    shared.setFontUnderline(true);
    QColor tint = colors.accent;
    tint.setAlpha(40);
    shared.setBackground(tint);
    QTextCursor cursor(side.text->document());
    cursor.beginEditBlock();
    if (!shown.problem.isEmpty()) {
        cursor.insertText(QStringLiteral("\u26a0 ") + shown.problem, plain);
    }
    for (const PairPart& part : shown.parts) {
        if (!cursor.atStart()) cursor.insertText(QStringLiteral("\n\n"), plain);
        if (!part.name.isEmpty()) cursor.insertText(part.name + QLatin1Char('\n'), heading);
        const std::string_view text = std::string_view(part.text).substr(0, kShownBytes);
        size_t at = 0;
        for (const auto& [begin, end] : part.shared) {
            if (end > text.size()) break;
            cursor.insertText(toQt(text.substr(at, begin - at)), plain);
            cursor.insertText(toQt(text.substr(begin, end - begin)), shared);
            at = end;
        }
        cursor.insertText(toQt(text.substr(at)), plain);
    }
    cursor.endEditBlock();
    side.text->moveCursor(QTextCursor::Start);
}

}  // namespace dayrun::ui
