// Neighbours: models/sample_table_model.h (table), panels/token_lens.h, project/prepared_data.h.
#include "ui/stages/data/rows_page.h"

#include <QHeaderView>
#include <QLineEdit>
#include <QShortcut>
#include <QSplitter>
#include <QTabWidget>
#include <QTableView>
#include <QTextEdit>
#include <algorithm>

#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/row_table.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/models/sample_table_model.h"
#include "ui/models/sample_text.h"
#include "ui/panels/inspector.h"
#include "ui/panels/token_lens.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"
#include "ui/stages/data/source_look.h"

namespace dayrun::ui {
RowsPage::RowsPage(StageContext context, PreparedData& prepared, QWidget* parent)
    : QWidget(parent), m_context(context), m_prepared(prepared) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 8, 0, 0);
    auto* split = new QSplitter(Qt::Vertical);
    split->setChildrenCollapsible(false);
    split->setHandleWidth(10);
    split->addWidget(makeRows());
    split->addWidget(makePreview());
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    column->addWidget(split);
    for (const auto& [key, rows] : {std::pair(Qt::Key_J, 1), std::pair(Qt::Key_K, -1)}) {
        auto* shortcut = new QShortcut(QKeySequence(key), m_table);
        shortcut->setContext(Qt::WidgetShortcut);
        connect(shortcut, &QShortcut::activated, this, [this, rows = rows] { step(rows); });
    }
    // What was encoded on the spot is read from the cache as soon as there is one.
    connect(&prepared, &PreparedData::changed, this, [this] {
        if (!m_prepared.isBusy()) showLens();
    });
}

QWidget* RowsPage::makeRows() {
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* line = new QHBoxLayout;
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Filter rows: words, or field:value"));
    m_search->setAccessibleName(tr("Filter rows"));
    m_search->setAccessibleDescription(
        tr("Words or \"phrases\" anywhere in a row; field:value looks in one field"));
    m_search->setToolTip(m_search->accessibleDescription());
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(360);
    line->addWidget(m_search, 1);
    m_reading = new ElidedLabel;
    m_reading->setAccessibleName(tr("Rows read"));
    line->addWidget(m_reading, 1);
    column->addLayout(line);
    makeTable();
    column->addWidget(m_table, 1);
    connect(m_search, &QLineEdit::textChanged, m_rows, &SampleTableModel::setSearch);
    connect(m_rows, &SampleTableModel::rowsRead, this, [this](int first, int last) {
        const int row = m_table->currentIndex().row();
        if (row >= first && row <= last) showSelected();
    });
    connect(m_rows, &SampleTableModel::changed, this, &RowsPage::showReading);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &RowsPage::showSelected);
    return panel;
}

void RowsPage::makeTable() {
    m_rows = new SampleTableModel(this);
    m_table = new QTableView;
    m_table->setModel(m_rows);
    prepareTable(*m_table, tr("Rows of the source"), tr("The preview follows the arrow keys"));
    m_table->setMinimumHeight(120);
    m_table->horizontalHeader()->setSectionResizeMode(SampleTableModel::Prompt,
                                                      QHeaderView::Stretch);
    m_table->horizontalHeader()->setSectionResizeMode(SampleTableModel::Reply,
                                                      QHeaderView::Stretch);
    const int digits = m_table->fontMetrics().horizontalAdvance(QStringLiteral("8,888,888")) + 22;
    m_table->setColumnWidth(SampleTableModel::Row, digits);
    m_table->setColumnWidth(SampleTableModel::Words, digits);
}

QWidget* RowsPage::makePreview() {
    m_preview = new QTabWidget;
    m_preview->setDocumentMode(true);
    m_preview->setAccessibleName(tr("Preview of the row"));
    m_preview->setMinimumHeight(150);
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 8, 0, 0);
    m_text = new QTextEdit;
    m_text->setReadOnly(true);
    m_text->setTabChangesFocus(true);
    m_text->setAccessibleName(tr("Text of the row"));
    m_text->setAccessibleDescription(tr("Instruction, input and reply of the selected row"));
    m_text->setPlaceholderText(tr("Select a row to read it."));
    column->addWidget(m_text);
    m_preview->addTab(page, tr("Text"));
    m_lens = new TokenLens;
    m_preview->addTab(m_lens, tr("Tokens"));
    connect(m_preview, &QTabWidget::currentChanged, this, &RowsPage::showLens);
    return m_preview;
}

void RowsPage::clear() {
    m_has_source = false;
    m_rows->clear();
    m_text->clear();
    m_lens->clear(tr("Select a row to see its tokens."));
}

void RowsPage::showSource(int index) {
    const core::Recipe& recipe = m_context.document.recipe();
    const core::DataSpec& spec = recipe.data[static_cast<size_t>(index)];
    // Another setting of the recipe has changed: the rows on the screen are still right.
    const bool is_same = index == m_index && spec.name == m_spec.name && isReadAlike(spec, m_spec);
    if (!is_same) m_wanted_row.reset();
    if (m_has_source && is_same) return showSelected();
    m_has_source = true;
    m_index = index;
    m_spec = spec;
    m_text->clear();
    m_lens->clear(tr("Select a row to see its tokens."));
    m_rows->setSource(static_cast<uint32_t>(index), spec, recipe.data_folder());
}

void RowsPage::showReading() {
    if (!m_rows->problem().isEmpty()) {
        m_reading->setText(QStringLiteral("\u26a0 ") + m_rows->problem());
        setKind(m_reading, "bad");
        return;
    }
    setKind(m_reading, "muted");
    const QString found = tr("%1 fit, of ").arg(numberText(m_rows->rowCount()));
    const QString shown = m_rows->isSearching() ? tr("searching, ") + found
                          : m_rows->hasSearch() ? found
                                                : QString();
    const QString number = numberText(m_rows->sourceRowCount());
    const QString read =
        m_rows->isComplete() ? tr("%1 rows").arg(number) : tr("%1 rows indexed so far").arg(number);
    const QString converter =
        m_rows->converter().isEmpty() ? QString() : tr(", read as %1").arg(m_rows->converter());
    m_reading->setText(shown + read + converter);
    goToWanted();
    // The first row is selected for the person, so that the preview is never an empty box.
    if (!m_table->currentIndex().isValid() && m_rows->rowCount() > 0) m_table->selectRow(0);
}

void RowsPage::showRow(int64_t row) {
    m_wanted_row = row;
    m_search->clear();
    goToWanted();
}

void RowsPage::goToWanted() {
    if (!m_wanted_row || m_rows->hasSearch() || *m_wanted_row >= m_rows->rowCount()) return;
    const int row = static_cast<int>(*m_wanted_row);
    m_wanted_row.reset();
    m_table->selectRow(row);
    m_table->scrollTo(m_rows->index(row, 0), QAbstractItemView::PositionAtCenter);
    m_table->setFocus();
}

void RowsPage::step(int rows) {
    const int row = std::clamp(m_table->currentIndex().row() + rows, 0, m_rows->rowCount() - 1);
    if (m_rows->rowCount() > 0) m_table->selectRow(row);
}

void RowsPage::leaveOut() {
    const core::BrowsedRow* row = m_rows->row(m_table->currentIndex().row());
    if (row == nullptr || !m_has_source) return;
    const auto dropped =
        m_context.document.dropRows({{static_cast<size_t>(m_index), row->row_index + 1}});
    if (!dropped.ok()) m_reading->setText(QStringLiteral("\u26a0 ") + toQt(dropped.error()));
}

bool RowsPage::isLeftOut(const core::BrowsedRow& row) const {
    const auto& numbers = m_context.document.recipe().data[static_cast<size_t>(m_index)].drop_rows;
    return std::binary_search(numbers.begin(), numbers.end(), row.row_index + 1);
}

void RowsPage::showSelected() {
    const core::BrowsedRow* row = m_rows->row(m_table->currentIndex().row());
    if (row == nullptr) return;
    showRow(*row);
    showLens();
}

// Only while its tab is open: encoding is not done for nobody.
void RowsPage::showLens() {
    if (m_preview->currentWidget() != m_lens) return;
    const core::BrowsedRow* row = m_rows->row(m_table->currentIndex().row());
    if (row == nullptr) return;
    if (row->samples.empty()) return m_lens->clear(tr("This row gives no sample."));
    m_lens->showSample(m_context.document.recipe(), row->samples.front(), m_prepared.prepared());
}

void RowsPage::showRow(const core::BrowsedRow& row) {
    const ThemeColors& colors = Theme::instance().colors();
    m_text->clear();
    QTextCursor cursor(m_text->document());
    QTextCharFormat heading;
    heading.setForeground(colors.muted);
    heading.setFontWeight(QFont::DemiBold);
    QTextCharFormat plain;
    plain.setForeground(colors.text);
    if (isLeftOut(row)) cursor.insertText(tr("Left out by its number."), heading);
    if (!row.problem.empty())
        cursor.insertText(QStringLiteral("\u26a0 ") + toQt(row.problem), plain);
    // A row that gives no sample is shown as the file has it: that is what must be mended.
    if (row.samples.empty()) {
        cursor.insertText(QStringLiteral("\n\n") + toQt(row.value.json()).left(8000), plain);
    }
    for (const core::Sample& sample : row.samples) {
        for (const SamplePart& part : sampleParts(sample)) {
            if (!cursor.atStart()) cursor.insertText(QStringLiteral("\n\n"), plain);
            cursor.insertText(part.is_trained ? tr("%1 (trained)").arg(part.name) : part.name,
                              heading);
            cursor.insertText(QStringLiteral("\n") + part.text, plain);
        }
    }
    m_text->moveCursor(QTextCursor::Start);
    showInInspector();
}

void RowsPage::showInInspector() {
    const core::BrowsedRow* row = m_rows->row(m_table->currentIndex().row());
    if (row == nullptr) return;
    FactList::Facts facts{{tr("Source"), toQt(m_spec.name)}, {tr("Place"), toQt(row->place)}};
    for (const core::Sample& sample : row->samples) {
        facts.emplace_back(tr("Words"), numberText(wordCount(sample)));
        facts.emplace_back(tr("Turns"), numberText(static_cast<int64_t>(sample.messages().size())));
        for (const auto& [name, value] : sample.fields()) {
            const bool is_shown = name == "instruction" || name == "input" || name == "response" ||
                                  name == "system" || name == "text";
            if (!is_shown && !value.empty()) facts.emplace_back(toQt(name), toQt(value).left(200));
        }
    }
    m_context.inspector.showFacts(tr("Row %1").arg(numberText(row->row_index + 1)), facts);
}

void RowsPage::focusSearch() {
    m_search->setFocus();
    m_search->selectAll();
}

}  // namespace dayrun::ui
