// Neighbours: source_cards.h (left), models/sample_table_model.h (table), panels/token_lens.h.
#include "ui/stages/data/data_stage.h"

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QHeaderView>
#include <QLineEdit>
#include <QMimeData>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <QTextEdit>

#include "core/base/units.h"
#include "ui/bridge/text.h"
#include "ui/models/sample_table_model.h"
#include "ui/models/sample_text.h"
#include "ui/panels/inspector.h"
#include "ui/panels/token_lens.h"
#include "ui/project/project_document.h"
#include "ui/shell/theme.h"
#include "ui/stages/data/source_cards.h"
#include "ui/widgets/basics.h"

namespace dayrun::ui {
namespace {

bool sameSource(const core::DataSpec& a, const core::DataSpec& b) {
    return a.path == b.path && a.converter == b.converter && a.columns == b.columns &&
           a.split == b.split;
}

QString count(int64_t value) {
    return toQt(core::format_count(value));
}

}  // namespace

DataStage::DataStage(StageContext context, QWidget* parent) : Stage(parent), m_context(context) {
    setAcceptDrops(true);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 16, 20, 16);
    m_pages = new QStackedWidget;
    column->addWidget(m_pages);
    m_pages->addWidget(makeEmpty());

    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(14);
    split->addWidget(makeSources());
    auto* right = new QSplitter(Qt::Vertical);
    right->setChildrenCollapsible(false);
    right->setHandleWidth(10);
    right->addWidget(makeRows());
    right->addWidget(makePreview());
    right->setStretchFactor(0, 3);
    right->setStretchFactor(1, 2);
    split->addWidget(right);
    split->setStretchFactor(0, 1);
    split->setStretchFactor(1, 4);
    split->setSizes({260, 900});
    m_pages->addWidget(split);
    connect(&context.document, &ProjectDocument::recipeChanged, this, &DataStage::showSources);
    showSources();
}

QWidget* DataStage::makeEmpty() {
    auto* empty = new EmptyState(
        Glyph::Data, tr("No data yet"),
        tr("Drop JSONL, CSV, Parquet or a folder here. Rows with an instruction and an answer, "
           "dialogues, plain text and Super-NaturalInstructions tasks are recognised."));
    auto* add = empty->addPrimary(tr("Add files…"), tr("Choose data files"));
    connect(add, &QPushButton::clicked, this, &DataStage::chooseFiles);
    auto* folder = empty->addSecondary(tr("Add a folder…"), tr("Choose a folder of data files"));
    connect(folder, &QPushButton::clicked, this, &DataStage::chooseFolder);
    return empty;
}

QWidget* DataStage::makeSources() {
    auto* panel = new QWidget;
    panel->setMinimumWidth(220);
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(10);
    column->addWidget(makeTitle(tr("Sources")));
    m_cards = new SourceCards;
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(m_cards);
    column->addWidget(scroll, 1);
    auto* add = makeButton(tr("&Add files…"), tr("Add data files to the recipe"));
    connect(add, &QPushButton::clicked, this, &DataStage::chooseFiles);
    column->addWidget(add);
    auto* line = new QHBoxLayout;
    auto* folder = makeButton(tr("Add f&older…"), tr("Add a folder of data files"));
    connect(folder, &QPushButton::clicked, this, &DataStage::chooseFolder);
    line->addWidget(folder);
    m_remove = makeButton(tr("Re&move"), tr("Take the selected source out of the recipe; undo "
                                            "brings it back"));
    connect(m_remove, &QPushButton::clicked, this, [this] {
        if (m_cards->current() >= 0) {
            m_context.document.removeSource(static_cast<size_t>(m_cards->current()));
        }
    });
    line->addWidget(m_remove);
    column->addLayout(line);
    connect(m_cards, &SourceCards::chosen, this, &DataStage::showSource);
    connect(m_cards, &SourceCards::countsChanged, this, &DataStage::showStatus);
    return panel;
}

QWidget* DataStage::makeRows() {
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    auto* line = new QHBoxLayout;
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Filter rows: words, or field:value"));
    m_search->setAccessibleName(tr("Filter rows"));
    m_search->setAccessibleDescription(
        tr("Over the rows read so far; field:value looks in one field"));
    m_search->setClearButtonEnabled(true);
    m_search->setMaximumWidth(360);
    line->addWidget(m_search, 1);
    m_reading = new ElidedLabel;
    m_reading->setAccessibleName(tr("Rows read"));
    line->addWidget(m_reading, 1);
    column->addLayout(line);

    m_rows = new SampleTableModel(this);
    m_table = new QTableView;
    m_table->setModel(m_rows);
    m_table->setAccessibleName(tr("Rows of the source"));
    m_table->setAccessibleDescription(tr("The preview follows the arrow keys"));
    m_table->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setShowGrid(false);
    m_table->setAlternatingRowColors(true);
    m_table->setWordWrap(false);
    m_table->setTabKeyNavigation(false);
    m_table->setMinimumHeight(120);
    m_table->verticalHeader()->hide();
    m_table->verticalHeader()->setDefaultSectionSize(m_table->fontMetrics().height() + 12);
    m_table->horizontalHeader()->setHighlightSections(false);
    m_table->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_table->horizontalHeader()->setSectionResizeMode(SampleTableModel::Prompt,
                                                      QHeaderView::Stretch);
    const int digits = m_table->fontMetrics().horizontalAdvance(QStringLiteral("888,888")) + 22;
    m_table->setColumnWidth(SampleTableModel::Row, digits);
    m_table->setColumnWidth(SampleTableModel::Reply, 240);
    m_table->setColumnWidth(SampleTableModel::Words, digits);
    column->addWidget(m_table, 1);
    connect(m_search, &QLineEdit::textChanged, m_rows, &SampleTableModel::setSearch);
    connect(m_rows, &SampleTableModel::rowsRead, this, [this](int first, int last) {
        const int row = m_table->currentIndex().row();
        if (row >= first && row <= last) showSelected();
    });
    connect(m_rows, &SampleTableModel::changed, this, &DataStage::showReading);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &DataStage::showSelected);
    return panel;
}

QWidget* DataStage::makePreview() {
    auto* tabs = new QTabWidget;
    tabs->setDocumentMode(true);
    tabs->setMinimumHeight(130);
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 8, 0, 0);
    m_text = new QTextEdit;
    m_text->setReadOnly(true);
    m_text->setTabChangesFocus(true);
    m_text->setAccessibleName(tr("Preview of the row"));
    m_text->setAccessibleDescription(tr("Instruction, input and reply of the selected row"));
    m_text->setPlaceholderText(tr("Select a row to read it."));
    column->addWidget(m_text);
    tabs->addTab(page, tr("Text"));
    m_lens = new TokenLens;
    tabs->addTab(m_lens, tr("Tokens"));
    return tabs;
}

void DataStage::chooseFiles() {
    addPaths(QFileDialog::getOpenFileNames(
        this, tr("Add data files"), {},
        tr("Data (*.jsonl *.json *.csv *.tsv *.parquet *.txt *.gz *.zst);;All files (*)")));
}

void DataStage::chooseFolder() {
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Add a folder of data"));
    if (!folder.isEmpty()) addPaths({folder});
}

void DataStage::addPaths(const QStringList& paths) {
    for (const QString& path : paths) {
        const auto added = m_context.document.addSource(toPath(path));
        if (!added.ok()) m_reading->setText(toQt(added.error()));
    }
    if (!paths.isEmpty()) showSource(m_cards->count() - 1);
}

void DataStage::showSources() {
    const core::Recipe& recipe = m_context.document.recipe();
    m_pages->setCurrentIndex(recipe.data.empty() ? 0 : 1);
    m_cards->setSources(recipe);
    m_remove->setEnabled(!recipe.data.empty());
    if (recipe.data.empty()) {
        m_has_shown = false;
        m_rows->clear();
        return;
    }
    showSource(m_cards->current());
}

void DataStage::showSource(int index) {
    const core::Recipe& recipe = m_context.document.recipe();
    if (index < 0 || static_cast<size_t>(index) >= recipe.data.size()) return;
    m_cards->setCurrent(index);
    const core::DataSpec& spec = recipe.data[static_cast<size_t>(index)];
    // Another setting of the recipe has changed: the rows on the screen are still right.
    if (m_has_shown && sameSource(spec, m_shown_spec)) {
        const core::BrowsedRow* row = m_rows->row(m_table->currentIndex().row());
        if (row != nullptr && !row->samples.empty()) {
            m_lens->showSample(recipe, row->samples.front());
        }
        return;
    }
    m_has_shown = true;
    m_shown_spec = spec;
    m_text->clear();
    m_lens->clear(tr("Select a row to see its tokens."));
    m_rows->setSource(static_cast<uint32_t>(index), spec, recipe.folder);
    showSourceFacts();
}

void DataStage::showReading() {
    if (!m_rows->problem().isEmpty()) {
        m_reading->setText(QStringLiteral("\u26a0 ") + m_rows->problem());
        setKind(m_reading, "bad");
        return;
    }
    setKind(m_reading, "muted");
    const QString shown = m_rows->isSearching() ? tr("searching, ")
                          : m_rows->hasSearch() ? tr("%1 fit, of ").arg(count(m_rows->rowCount()))
                                                : QString();
    const QString number = count(m_rows->sourceRowCount());
    const QString read =
        m_rows->isComplete() ? tr("%1 rows").arg(number) : tr("%1 rows indexed so far").arg(number);
    const QString converter =
        m_rows->converter().isEmpty() ? QString() : tr(", read as %1").arg(m_rows->converter());
    m_reading->setText(shown + read + converter);
    // The first row is selected for the person, so that the preview is never an empty box.
    if (!m_table->currentIndex().isValid() && m_rows->rowCount() > 0) m_table->selectRow(0);
}

void DataStage::showSelected() {
    const core::BrowsedRow* row = m_rows->row(m_table->currentIndex().row());
    if (row == nullptr) return;
    showRow(*row);
    if (row->samples.empty()) {
        m_lens->clear(tr("This row gives no sample."));
    } else {
        m_lens->showSample(m_context.document.recipe(), row->samples.front());
    }
}

void DataStage::showRow(const core::BrowsedRow& row) {
    const ThemeColors& colors = Theme::instance().colors();
    m_text->clear();
    QTextCursor cursor(m_text->document());
    QTextCharFormat heading;
    heading.setForeground(colors.muted);
    heading.setFontWeight(QFont::DemiBold);
    QTextCharFormat plain;
    plain.setForeground(colors.text);
    if (!row.problem.empty())
        cursor.insertText(QStringLiteral("\u26a0 ") + toQt(row.problem), plain);
    FactList::Facts facts{{tr("Source"), toQt(m_shown_spec.name)}, {tr("Place"), toQt(row.place)}};
    for (const core::Sample& sample : row.samples) {
        for (const SamplePart& part : sampleParts(sample)) {
            if (!cursor.atStart()) cursor.insertText(QStringLiteral("\n\n"), plain);
            cursor.insertText(part.is_trained ? tr("%1 (trained)").arg(part.name) : part.name,
                              heading);
            cursor.insertText(QStringLiteral("\n") + part.text, plain);
        }
        facts.emplace_back(tr("Words"), count(wordCount(sample)));
        facts.emplace_back(tr("Turns"), count(static_cast<int64_t>(sample.messages.size())));
        for (const auto& [name, value] : sample.fields) {
            const bool is_shown = name == "instruction" || name == "input" || name == "response" ||
                                  name == "system" || name == "text";
            if (!is_shown && !value.empty()) facts.emplace_back(toQt(name), toQt(value).left(200));
        }
    }
    m_text->moveCursor(QTextCursor::Start);
    m_context.inspector.showFacts(tr("Row %1").arg(count(row.row_index)), facts);
}

void DataStage::showSourceFacts() {
    const core::Result<SourceCount>* counted = m_cards->counted(m_cards->current());
    if (counted == nullptr || !counted->ok()) return;
    FactList::Facts facts{{tr("Rows"), count((*counted)->rows)},
                          {tr("Files"), count((*counted)->files)},
                          {tr("Size"), toQt(core::format_bytes((*counted)->bytes))},
                          {tr("Read as"), toQt((*counted)->converter)}};
    QString dropped;
    for (const auto& [reason, entry] : (*counted)->dropped.reasons) {
        dropped += tr("%1 rows left out: %2\n").arg(count(entry.count), toQt(reason));
        for (const std::string& example : entry.examples)
            dropped += toQt(example) + QLatin1Char('\n');
    }
    m_context.inspector.showFacts(toQt(m_shown_spec.name), facts, dropped);
}

void DataStage::showStatus() {
    int64_t rows = 0;
    bool is_complete = true;
    for (int i = 0; i < m_cards->count(); ++i) {
        const core::Result<SourceCount>* counted = m_cards->counted(i);
        if (counted == nullptr) {
            is_complete = false;
        } else if (!counted->ok()) {
            setStatus(StageStatus::Attention, toQt(counted->error()));
            return;
        } else {
            rows += (*counted)->rows;
        }
    }
    if (m_cards->count() == 0) {
        setStatus(StageStatus::Empty, tr("no data yet"));
    } else {
        const QString sources = counted(m_cards->count(), tr("source"), tr("sources"));
        setStatus(StageStatus::Ready,
                  is_complete ? tr("%1, %2 rows").arg(sources, count(rows)) : sources);
    }
}

void DataStage::focusSearch() {
    m_search->setFocus();
    m_search->selectAll();
}

void DataStage::dragEnterEvent(QDragEnterEvent* event) {
    if (!event->mimeData()->hasUrls()) return;
    event->acceptProposedAction();
    setStyleSheet(QStringLiteral("dayrun--ui--DataStage { border: 2px dashed %1; }")
                      .arg(Theme::instance().colors().accent.name()));
}

void DataStage::dragLeaveEvent(QDragLeaveEvent*) {
    setStyleSheet({});
}

void DataStage::dropEvent(QDropEvent* event) {
    setStyleSheet({});
    QStringList paths;
    for (const QUrl& url : event->mimeData()->urls()) {
        if (url.isLocalFile()) paths << url.toLocalFile();
    }
    event->acceptProposedAction();
    addPaths(paths);
}

void DataStage::showInInspector() {
    m_context.inspector.clear();
    showSelected();
}

}  // namespace dayrun::ui
