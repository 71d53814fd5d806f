// Neighbours: models/lens_reader.h reads, models/lens_token_model.h is the table.
#include "ui/panels/token_lens.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QShortcut>
#include <QStackedWidget>
#include <QTableView>
#include <QTextEdit>
#include <QVBoxLayout>

#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/models/lens_token_model.h"
#include "ui/panels/part_format.h"

namespace dayrun::ui {
namespace {

// The text ends here: nobody reads on, and the widget stays quick. The table has every token.
constexpr size_t kShownTokens = 1500;

}  // namespace

TokenLens::TokenLens(QWidget* parent) : QWidget(parent) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 8, 0, 0);
    column->setSpacing(4);
    m_summary = makeLabel({}, "muted");
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    column->addWidget(makeBoxes());
    m_legend = new QLabel;
    m_legend->setTextFormat(Qt::RichText);
    m_legend->setWordWrap(true);
    column->addWidget(m_legend);
    m_stack = new QStackedWidget;
    m_text = new QTextEdit;
    m_text->setReadOnly(true);
    m_text->setTabChangesFocus(true);
    m_text->setAccessibleName(tr("Tokens of the sample"));
    m_text->setAccessibleDescription(
        tr("Trained tokens are bold and underlined; each part is named where it begins"));
    m_stack->addWidget(m_text);
    m_stack->addWidget(makeTable());
    column->addWidget(m_stack, 1);
    connect(m_masks, &QCheckBox::toggled, this, &TokenLens::draw);
    connect(m_ids, &QCheckBox::toggled, this, &TokenLens::draw);
    connect(m_as_table, &QCheckBox::toggled, this, &TokenLens::draw);
    connect(&Theme::instance(), &Theme::changed, this, &TokenLens::draw);
    clear(tr("Select a row to see its tokens."));
}

QWidget* TokenLens::makeBoxes() {
    auto* line_widget = new QWidget;
    auto* line = new QHBoxLayout(line_widget);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(12);
    const auto box = [&](const QString& text, const QString& description) {
        auto* made = new QCheckBox(text);
        made->setAccessibleName(text);
        made->setAccessibleDescription(description);
        made->setToolTip(description);
        line->addWidget(made);
        return made;
    };
    m_masks = box(tr("Masks"), tr("Mark which tokens are trained (M)"));
    m_masks->setChecked(true);
    m_ids = box(tr("Ids"), tr("Write the id behind every token"));
    m_as_table = box(tr("Table"), tr("One line a token, all of them"));
    line->addStretch();
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Find text or id:123"));
    m_search->setAccessibleName(tr("Find in the tokens"));
    m_search->setAccessibleDescription(
        tr("Text across tokens, or id: and a number; Enter goes to the next place"));
    m_search->setToolTip(m_search->accessibleDescription());
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(190);
    line->addWidget(m_search);
    m_found_label = makeLabel({}, "muted");
    m_found_label->setAccessibleName(tr("Places found"));
    line->addWidget(m_found_label);
    connect(m_search, &QLineEdit::textChanged, this, [this] {
        m_at = 0;
        find();
    });
    connect(m_search, &QLineEdit::returnPressed, this, &TokenLens::findNext);
    auto* toggle = new QShortcut(QKeySequence(Qt::Key_M), this);
    toggle->setContext(Qt::WidgetWithChildrenShortcut);
    connect(toggle, &QShortcut::activated, m_masks, &QCheckBox::toggle);
    return line_widget;
}

QWidget* TokenLens::makeTable() {
    m_tokens = new LensTokenModel(this);
    m_table = new QTableView;
    m_table->setModel(m_tokens);
    m_table->setAccessibleName(tr("Tokens as a table"));
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setShowGrid(false);
    m_table->setTabKeyNavigation(false);
    m_table->setWordWrap(false);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(m_table->fontMetrics().height() + 8);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->horizontalHeader()->setSectionResizeMode(LensTokenModel::Piece, QHeaderView::Stretch);
    return m_table;
}

void TokenLens::find() {
    m_found = findTokens(m_page.view.tokens, m_search->text());
    if (m_at >= static_cast<int>(m_found.size())) m_at = 0;
    showFound();
}

void TokenLens::findNext() {
    if (m_found.empty()) return;
    m_at = (m_at + 1) % static_cast<int>(m_found.size());
    showFound();
}

// The place is selected in the text and in the table, so that either view is where it was found.
void TokenLens::showFound() {
    QList<QTextEdit::ExtraSelection> marks;
    if (m_found.empty()) {
        m_text->setExtraSelections(marks);
        m_found_label->setText(m_search->text().isEmpty() ? QString() : tr("not found"));
        return;
    }
    m_found_label->setText(
        tr("%1 of %2").arg(m_at + 1).arg(numberText(static_cast<int64_t>(m_found.size()))));
    const auto [begin, end] = m_found[static_cast<size_t>(m_at)];
    m_table->selectRow(static_cast<int>(begin));
    if (end > m_places.size()) {
        m_text->setExtraSelections(marks);
        return m_found_label->setText(tr("%1, in the table").arg(m_found_label->text()));
    }
    QTextEdit::ExtraSelection mark;
    mark.cursor = QTextCursor(m_text->document());
    mark.cursor.setPosition(m_places[begin].first);
    mark.cursor.setPosition(m_places[end - 1].second, QTextCursor::KeepAnchor);
    mark.format.setBackground(Theme::instance().colors().accent);
    mark.format.setForeground(Theme::instance().colors().accentText);
    marks << mark;
    m_text->setExtraSelections(marks);
    QTextCursor shown(m_text->document());
    shown.setPosition(m_places[begin].first);
    m_text->setTextCursor(shown);
    m_text->ensureCursorVisible();
}

void TokenLens::clear(const QString& reason) {
    m_job.cancel();
    m_page = {};
    m_found.clear();
    m_places.clear();
    m_found_label->clear();
    m_tokens->setTokens({});
    m_text->clear();
    m_legend->clear();
    m_summary->setText(reason);
}

void TokenLens::showSample(const core::Recipe& recipe, const core::Sample& sample,
                           std::shared_ptr<const Prepared> prepared) {
    m_job = startJob(
        this,
        [recipe, sample, prepared = std::move(prepared)](std::stop_token) {
            return readLens(recipe, sample, prepared);
        },
        [this](core::Result<LensPage> page) {
            if (page.ok()) {
                showPage(std::move(page).value());
            } else {
                clear(toQt(page.error()));
            }
        });
}

void TokenLens::showPage(LensPage page) {
    m_job.cancel();
    m_page = std::move(page);
    m_tokens->setTokens(m_page.view.tokens);
    draw();
}

QString TokenLens::summaryText() const {
    const core::LensView& view = m_page.view;
    QString text = tr("%1 tokens, %2 trained")
                       .arg(numberText(static_cast<int64_t>(view.tokens.size())),
                            numberText(view.trained_tokens));
    if (m_page.documents.size() > 1) {
        text += tr(", %1 documents").arg(numberText(static_cast<int64_t>(m_page.documents.size())));
    }
    text += m_page.is_from_cache ? tr(", read from the cache that the trainer reads")
                                 : tr(", encoded now (no cache holds it)");
    if (view.truncated_tokens > 0) {
        text += tr(", \u26a0 %1 tokens cut off").arg(numberText(view.truncated_tokens));
    }
    if (view.lost_stop_token) text += tr(", \u26a0 the stop token is lost");
    if (!m_as_table->isChecked() && view.tokens.size() > kShownTokens) {
        text += tr(", the first %1 shown").arg(numberText(kShownTokens));
    }
    if (!view.dropped_because.empty()) {
        text += tr(". \u26a0 A run leaves this sample out: %1").arg(toQt(view.dropped_because));
    }
    return text;
}

void TokenLens::draw() {
    if (m_page.view.tokens.empty() && m_page.view.dropped_because.empty()) return;
    m_summary->setText(summaryText());
    std::vector<std::string> parts;
    for (const core::LensToken& token : m_page.view.tokens) parts.push_back(token.part);
    m_legend->setText(partLegend(parts));
    m_stack->setCurrentIndex(m_as_table->isChecked() ? 1 : 0);
    if (!m_as_table->isChecked()) drawText();
    find();
}

// A border between documents: attention never crosses it and positions restart.
void TokenLens::drawDocument(QTextCursor& cursor, int32_t document) const {
    const auto place = static_cast<size_t>(document);
    if (m_page.documents.size() < 2 || place >= m_page.documents.size()) return;
    const LensDocument& shown = m_page.documents[place];
    const ThemeColors& colors = Theme::instance().colors();
    QTextBlockFormat block;
    block.setBackground(colors.raised);
    block.setTopMargin(document == 0 ? 0 : 10);
    block.setBottomMargin(4);
    QTextCharFormat heading;
    heading.setForeground(colors.text);
    heading.setFontWeight(QFont::DemiBold);
    if (document > 0) cursor.insertBlock();
    cursor.setBlockFormat(block);
    cursor.insertText(
        tr("Document %1: %2, %3 tokens, %4 trained")
            .arg(document + 1)
            .arg(toQt(shown.title), numberText(shown.tokens), numberText(shown.trained_tokens)),
        heading);
    cursor.insertBlock(QTextBlockFormat());
}

void TokenLens::drawCut(QTextCursor& cursor, int32_t document) const {
    const auto place = static_cast<size_t>(document);
    const bool has_own = place < m_page.documents.size();
    const int64_t cut =
        has_own ? m_page.documents[place].truncated_tokens : m_page.view.truncated_tokens;
    if (cut == 0) return;
    const bool lost =
        has_own ? m_page.documents[place].lost_stop_token : m_page.view.lost_stop_token;
    QTextCharFormat format;
    format.setForeground(Theme::instance().colors().warning);
    format.setFontWeight(QFont::DemiBold);
    cursor.insertText(
        tr(" \u2702 cut off here: %1 tokens%2 ")
            .arg(numberText(cut), lost ? tr(", the stop token with them") : QString()),
        format);
}

void TokenLens::drawText() {
    const ThemeColors& colors = Theme::instance().colors();
    const core::LensView& view = m_page.view;
    const QTextCharFormat tag = smallFormat(colors.muted, m_text->font());
    QTextCharFormat edge;
    edge.setForeground(colors.border);
    m_text->clear();
    m_places.clear();
    QTextCursor cursor(m_text->document());
    cursor.beginEditBlock();
    std::string part;
    int32_t document = -1;
    const size_t end = std::min(view.tokens.size(), kShownTokens);
    for (size_t i = 0; i < end; ++i) {
        const core::LensToken& token = view.tokens[i];
        if (token.document != document) {
            if (document >= 0 && !m_page.is_cut_at_start) drawCut(cursor, document);
            document = token.document;
            part.clear();
            drawDocument(cursor, document);
            if (m_page.is_cut_at_start) drawCut(cursor, document);
        }
        if (token.part != part && isNamedPart(token.part)) {
            cursor.insertText(QStringLiteral(" ") + toQt(token.part) + QStringLiteral("\u203a "),
                              tag);
        }
        part = token.part;
        QTextCharFormat format = partFormat(token.part, token.is_trained, m_masks->isChecked());
        format.setToolTip(
            tr("id %1, position %2, %3, %4")
                .arg(token.id)
                .arg(token.position)
                .arg(toQt(token.part), token.is_trained ? tr("trained") : tr("masked")));
        const int begin = cursor.position();
        cursor.insertText(toQt(token.piece), format);
        m_places.emplace_back(begin, cursor.position());
        if (m_ids->isChecked()) {
            cursor.insertText(QStringLiteral("\u200a") + QString::number(token.id), tag);
        }
        cursor.insertText(QStringLiteral("\u200a\u2502\u200a"), edge);
        if (token.piece == "<0x0A>") cursor.insertText(QStringLiteral("\n"), edge);
    }
    const bool is_whole = end == view.tokens.size();
    if (document >= 0 && is_whole && !m_page.is_cut_at_start) drawCut(cursor, document);
    cursor.endEditBlock();
    m_text->moveCursor(QTextCursor::Start);
}

}  // namespace dayrun::ui
