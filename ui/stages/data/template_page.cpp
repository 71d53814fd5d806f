// Neighbours: core/templates/template_check.h checks, panels/part_format.h draws.
#include "ui/stages/data/template_page.h"

#include <QComboBox>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTextBlock>
#include <QTextEdit>
#include <QVBoxLayout>

#include "core/templates/chat_template.h"
#include "ui/forms/setting_form.h"
#include "ui/look/basics.h"
#include "ui/look/number_field.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/panels/part_format.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"
#include "ui/project/source_rows.h"

namespace dayrun::ui {
namespace {

// As long as a key is down nothing is checked; a person does not see the delay.
constexpr int kCheckAfterMs = 120;

const QString kOwn = QStringLiteral("*own");
// What a person starts from.
const QString kFirstText =
    QStringLiteral("[[### Instruction:\n{instruction}\n\n]]### Input:\n{input}\n\n### Response:\n");

struct Checked {
    core::TemplateCheck check;
    std::string note;  // why the example stands in for a row
};

/// The sample of a row, or the example when there is none.
core::Sample sampleOf(const core::Recipe& recipe, int source, int64_t row, SourceRows& rows,
                      std::stop_token stop, std::string& note) {
    if (source < 0) return core::example_sample();
    const core::DataSpec& spec = recipe.data[static_cast<size_t>(source)];
    auto read = rows.row(spec, recipe.data_folder(), row, std::move(stop));
    if (!read.ok()) {
        note = read.error().text();
    } else if (read->samples.empty()) {
        note = read->problem.empty() ? "The row gives no sample." : read->problem;
    } else if (!read->samples.front().token_ids.empty()) {
        note = "The row is finished token ids: no template is used.";
    } else {
        core::Sample sample = std::move(read->samples.front());
        sample.source_index = static_cast<uint32_t>(source);
        return sample;
    }
    note += " An example is shown.";
    return core::example_sample();
}

Checked checkNow(const core::Recipe& recipe, int source, int64_t row, SourceRows& rows,
                 const std::shared_ptr<const Prepared>& prepared, std::stop_token stop) {
    Checked checked;
    const core::Sample sample = sampleOf(recipe, source, row, rows, std::move(stop), checked.note);
    std::shared_ptr<const core::Tokenizer> tokenizer;
    if (prepared && prepared->recipe.base.path == recipe.base.path) tokenizer = prepared->tokenizer;
    if (!tokenizer && !recipe.base.path.empty()) {
        auto opened = core::open_tokenizer(recipe.resolved(recipe.base.path));
        if (opened.ok()) tokenizer = std::move(opened).value();
    }
    checked.check = core::check_template(recipe, tokenizer.get(), sample);
    return checked;
}

}  // namespace

TemplatePage::TemplatePage(StageContext context, PreparedData& prepared,
                           std::shared_ptr<SourceRows> rows, QWidget* parent)
    : QWidget(parent), m_context(context), m_prepared(prepared), m_rows(std::move(rows)) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 12, 0, 0);
    column->setSpacing(10);
    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(12);
    split->addWidget(makeEditor());
    split->addWidget(makePreview());
    split->setStretchFactor(0, 1);
    split->setStretchFactor(1, 1);
    column->addWidget(split, 1);
    column->addWidget(new SettingForm(
        context.document,
        QStringList{QStringLiteral("prompt.system"), QStringLiteral("prompt.train_on")}));
    m_soon.setSingleShot(true);
    m_soon.setInterval(kCheckAfterMs);
    connect(&m_soon, &QTimer::timeout, this, &TemplatePage::startCheck);
    connect(&context.document, &ProjectDocument::recipeChanged, this, &TemplatePage::showRecipe);
    connect(&Theme::instance(), &Theme::changed, this, &TemplatePage::showCheck);
    showRecipe();
}

QWidget* TemplatePage::makeEditor() {
    auto* panel = new QWidget;
    panel->setMinimumWidth(220);
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_name = makeChoice(tr("Template"), tr("A named template, the model's own, or your own text"));
    for (const std::string& name : core::template_names()) m_name->addItem(toQt(name), toQt(name));
    m_name->addItem(tr("model: its own chat template"), QStringLiteral("model"));
    m_name->addItem(tr("your own text"), kOwn);
    connect(m_name, &QComboBox::activated, this, &TemplatePage::chooseName);
    column->addWidget(m_name);
    m_text = new QPlainTextEdit;
    m_text->setAccessibleName(tr("Text of the template"));
    m_text->setAccessibleDescription(
        tr("{field} stands for a field of the row; a part in [[ ]] is left out when a field in it "
           "is empty"));
    m_text->setToolTip(m_text->accessibleDescription());
    m_text->setPlaceholderText(
        tr("A named template has no text to edit. Choose \"your own text\" above to write one: "
           "{instruction}, {input} and the other fields of the rows in double brackets [[ ]] "
           "where they may be missing."));
    m_text->setTabChangesFocus(true);
    m_text->setMinimumHeight(90);
    connect(m_text, &QPlainTextEdit::textChanged, this, &TemplatePage::checkSoon);
    column->addWidget(m_text, 1);
    m_state = makeLabel({});
    m_state->setWordWrap(true);
    m_state->setAccessibleName(tr("Check of the template"));
    column->addWidget(m_state);
    auto* line = new QHBoxLayout;
    m_use =
        makeButton(tr("&Use this template"),
                   tr("Makes it the recipe's template; undo brings the old one back"), "primary");
    connect(m_use, &QPushButton::clicked, this, &TemplatePage::useTemplate);
    line->addWidget(m_use);
    line->addStretch();
    column->addLayout(line);
    return panel;
}

QWidget* TemplatePage::makePreview() {
    auto* panel = new QWidget;
    panel->setMinimumWidth(220);
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* line = new QHBoxLayout;
    m_source = makeChoice(tr("Source of the row"), tr("Of which source a row is shown"));
    connect(m_source, &QComboBox::currentIndexChanged, this, &TemplatePage::checkSoon);
    line->addWidget(m_source, 1);
    m_row = new WholeNumberField;
    m_row->setAccessibleName(tr("Row"));
    m_row->setAccessibleDescription(tr("Which row of the source is shown"));
    m_row->setRange(1, 1'000'000'000);
    m_row->setPrefix(tr("row "));
    connect(m_row, &WholeNumberField::valueChanged, this, &TemplatePage::checkSoon);
    line->addWidget(m_row);
    column->addLayout(line);
    m_legend = new QLabel;
    m_legend->setTextFormat(Qt::RichText);
    m_legend->setWordWrap(true);
    column->addWidget(m_legend);
    m_preview = new QTextEdit;
    m_preview->setReadOnly(true);
    m_preview->setTabChangesFocus(true);
    m_preview->setAccessibleName(tr("What the model sees"));
    m_preview->setAccessibleDescription(
        tr("Trained text is bold and underlined; each part is named where it begins"));
    column->addWidget(m_preview, 1);
    return panel;
}

// The recipe has changed, by this page, by another one or by undo.
void TemplatePage::showRecipe() {
    showSources();
    const QString of_recipe = toQt(m_context.document.recipe().prompt.prompt_template);
    if (of_recipe == m_of_recipe) return checkSoon();
    m_of_recipe = of_recipe;
    const int named = m_name->findData(of_recipe);
    m_name->setCurrentIndex(named >= 0 ? named : m_name->findData(kOwn));
    if (named < 0 && m_text->toPlainText() != of_recipe) {
        const QSignalBlocker quiet(m_text);
        m_text->setPlainText(of_recipe);
    }
    chooseName();
}

void TemplatePage::showSources() {
    const QSignalBlocker quiet(m_source);
    const int before = std::max(m_source->currentIndex(), 0);
    m_source->clear();
    for (const core::DataSpec& spec : m_context.document.recipe().data) {
        m_source->addItem(toQt(spec.name));
    }
    m_source->setCurrentIndex(std::min(before, m_source->count() - 1));
}

void TemplatePage::chooseName() {
    const bool is_own = m_name->currentData().toString() == kOwn;
    m_text->setEnabled(is_own);
    if (is_own && m_text->toPlainText().isEmpty()) m_text->setPlainText(kFirstText);
    checkSoon();
}

QString TemplatePage::wanted() const {
    const QString name = m_name->currentData().toString();
    return name == kOwn ? m_text->toPlainText() : name;
}

void TemplatePage::checkSoon() {
    m_is_checking = true;
    m_soon.start();
}

void TemplatePage::startCheck() {
    core::Recipe recipe = m_context.document.recipe();
    recipe.prompt.prompt_template = toStd(wanted());
    m_check_job = startJob(
        this,
        [recipe, source = m_source->currentIndex(), row = int64_t{m_row->value()} - 1,
         rows = m_rows, prepared = m_prepared.prepared()](std::stop_token stop) {
            return checkNow(recipe, source, row, *rows, prepared, std::move(stop));
        },
        [this](Checked checked) {
            m_is_checking = false;
            m_check = std::move(checked.check);
            if (!checked.note.empty()) m_check.notes.push_back(checked.note);
            showCheck();
        });
}

QString TemplatePage::stateText() const {
    return m_state->text();
}

void TemplatePage::showCheck() {
    const bool is_used = wanted() == m_of_recipe;
    m_use->setEnabled(!m_check.error && !is_used && !m_is_checking);
    QStringList lines;
    if (m_check.error) {
        lines << QStringLiteral("\u26a0 ") + toQt(*m_check.error);
    } else {
        lines << (is_used ? tr("The recipe uses this template.") : tr("The template is right."));
    }
    for (const std::string& note : m_check.notes) lines << toQt(note);
    m_state->setText(lines.join(QLatin1Char('\n')));
    setKind(m_state, m_check.error ? "bad" : "muted");
    markMistake();

    std::vector<std::string> parts;
    for (const core::TemplateSpan& span : m_check.spans) parts.push_back(span.part);
    m_legend->setText(partLegend(parts));
    m_preview->clear();
    const QTextCharFormat tag = smallFormat(Theme::instance().colors().muted, m_preview->font());
    QTextCursor cursor(m_preview->document());
    std::string part;
    for (const core::TemplateSpan& span : m_check.spans) {
        if (span.part != part) {
            cursor.insertText(QStringLiteral(" ") + toQt(span.part) + QStringLiteral("\u203a "),
                              tag);
        }
        part = span.part;
        cursor.insertText(toQt(span.text), partFormat(span.part, span.is_trained));
    }
    m_preview->moveCursor(QTextCursor::Start);
}

void TemplatePage::markMistake() {
    QList<QTextEdit::ExtraSelection> marks;
    const int line = m_check.error ? m_check.error->where.line : 0;
    const QTextBlock block = m_text->document()->findBlockByNumber(line - 1);
    if (line > 0 && block.isValid() && m_text->isEnabled()) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = QTextCursor(block);
        const int column = std::clamp(m_check.error->where.column - 1, 0, block.length() - 1);
        mark.cursor.setPosition(block.position() + column);
        mark.cursor.movePosition(QTextCursor::EndOfBlock, QTextCursor::KeepAnchor);
        mark.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
        mark.format.setUnderlineColor(Theme::instance().colors().bad);
        marks << mark;
    }
    m_text->setExtraSelections(marks);
}

void TemplatePage::useTemplate() {
    const auto done = m_context.document.setSetting(QStringLiteral("prompt.template"), wanted());
    if (!done.ok()) m_state->setText(QStringLiteral("\u26a0 ") + toQt(done.error()));
}

}  // namespace dayrun::ui
