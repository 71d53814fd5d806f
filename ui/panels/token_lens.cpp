// Trained tokens are underlined and bold, so that masks are seen without colour.
#include "ui/panels/token_lens.h"

#include <QLabel>
#include <QTextEdit>
#include <QVBoxLayout>

#include "core/base/units.h"
#include "core/tokens/tokenizer.h"
#include "ui/bridge/text.h"
#include "ui/shell/theme.h"
#include "ui/widgets/basics.h"

namespace dayrun::ui {
namespace {

// A document longer than this is shown up to here: nobody reads on, and the widget stays quick.
constexpr size_t kShownTokens = 4000;

// Opens the base's tokenizer and encodes the sample as the recipe says; on a job thread.
core::Result<core::LensView> makeLens(const core::Recipe& recipe, const core::Sample& sample) {
    if (!sample.token_ids.empty()) return core::token_lens(sample, recipe, nullptr);
    if (recipe.base.path.empty()) {
        return core::Error{.code = core::ErrorCode::BadTokenizer,
                           .message = "Tokens need a tokenizer, and no base model is chosen.",
                           .hint = "Choose one on stage Model."};
    }
    TRY(tokenizer, core::open_tokenizer(recipe.resolved(recipe.base.path)));
    return core::token_lens(sample, recipe, tokenizer.get());
}

}  // namespace

TokenLens::TokenLens(QWidget* parent) : QWidget(parent) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 8, 0, 0);
    column->setSpacing(6);
    m_summary = makeLabel({}, "muted");
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    m_text = new QTextEdit;
    m_text->setReadOnly(true);
    m_text->setTabChangesFocus(true);
    m_text->setAccessibleName(tr("Tokens of the sample"));
    m_text->setAccessibleDescription(tr("Trained tokens are bold and underlined"));
    column->addWidget(m_text, 1);
    clear(tr("Select a row to see its tokens."));
}

void TokenLens::clear(const QString& reason) {
    m_job.cancel();
    m_summary->setText(reason);
    m_text->clear();
}

void TokenLens::showSample(const core::Recipe& recipe, const core::Sample& sample) {
    m_job = startJob(
        this, [recipe, sample](std::stop_token) { return makeLens(recipe, sample); },
        [this](const core::Result<core::LensView>& view) {
            if (view.ok()) {
                showView(*view);
            } else {
                clear(toQt(view.error()));
            }
        });
}

void TokenLens::showView(const core::LensView& view) {
    const auto count = [](size_t value) {
        return toQt(core::format_count(static_cast<int64_t>(value)));
    };
    QString summary =
        tr("%1 tokens, %2 trained (bold, underlined)")
            .arg(count(view.tokens.size()), count(static_cast<size_t>(view.trained_tokens)));
    if (view.truncated_tokens > 0) {
        summary += tr(", \u26a0 %1 cut off").arg(toQt(core::format_count(view.truncated_tokens)));
    }
    if (view.tokens.size() > kShownTokens) summary += tr(", the first %1 shown").arg(kShownTokens);
    if (view.lost_stop_token) summary += tr(", \u26a0 the stop token is lost");
    if (!view.dropped_because.empty()) {
        summary += tr(". \u26a0 A run leaves this sample out: %1").arg(toQt(view.dropped_because));
    }
    m_summary->setText(summary);
    const ThemeColors& colors = Theme::instance().colors();
    m_text->clear();
    QTextCursor cursor(m_text->document());
    cursor.beginEditBlock();
    QTextCharFormat masked;
    masked.setForeground(colors.muted);
    QTextCharFormat trained;
    trained.setForeground(colors.text);
    trained.setFontWeight(QFont::DemiBold);
    trained.setFontUnderline(true);
    QTextCharFormat edge;
    edge.setForeground(colors.border);
    for (size_t i = 0; i < std::min(view.tokens.size(), kShownTokens); ++i) {
        const core::LensToken& token = view.tokens[i];
        QTextCharFormat format = token.is_trained ? trained : masked;
        format.setToolTip(
            tr("id %1%2, %3")
                .arg(token.id)
                .arg(token.part.empty() ? QString() : tr(", part %1").arg(toQt(token.part)),
                     token.is_trained ? tr("trained") : tr("not trained")));
        cursor.insertText(toQt(token.piece), format);
        cursor.insertText(QStringLiteral("\u200a\u2502\u200a"), edge);
        if (token.piece == "<0x0A>") cursor.insertText(QStringLiteral("\n"), edge);
    }
    cursor.endEditBlock();
    m_text->moveCursor(QTextCursor::Start);
}

}  // namespace dayrun::ui
