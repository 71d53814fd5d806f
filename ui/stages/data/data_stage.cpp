// Neighbours: source_cards.h (left), one file a page (right), import_sheet.h asks before it adds.
#include "ui/stages/data/data_stage.h"

#include <QDragEnterEvent>
#include <QFileDialog>
#include <QMimeData>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>

#include "core/base/units.h"
#include "ui/bridge/prepared_data.h"
#include "ui/bridge/text.h"
#include "ui/panels/inspector.h"
#include "ui/project/project_document.h"
#include "ui/shell/theme.h"
#include "ui/stages/data/findings_page.h"
#include "ui/stages/data/import_sheet.h"
#include "ui/stages/data/mix_page.h"
#include "ui/stages/data/rows_page.h"
#include "ui/stages/data/source_cards.h"
#include "ui/stages/data/tokens_page.h"
#include "ui/widgets/basics.h"

namespace dayrun::ui {
DataStage::DataStage(StageContext context, QWidget* parent) : Stage(parent), m_context(context) {
    setAcceptDrops(true);
    m_prepared = new PreparedData(context.document, this);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 16, 20, 16);
    m_pages = new QStackedWidget;
    column->addWidget(m_pages);
    m_pages->addWidget(makeEmpty());
    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(14);
    split->addWidget(makeSources());
    split->addWidget(makePages());
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
    scroll->setAccessibleName(tr("Sources"));
    scroll->setWidget(m_cards);
    column->addWidget(scroll, 1);
    auto* adding = new QHBoxLayout;
    auto* add = makeButton(tr("&Add files…"), tr("Import data files (or drop them here)"));
    connect(add, &QPushButton::clicked, this, &DataStage::chooseFiles);
    adding->addWidget(add);
    auto* folder = makeButton(tr("F&older…"), tr("Import a folder of data files"));
    connect(folder, &QPushButton::clicked, this, &DataStage::chooseFolder);
    adding->addWidget(folder);
    column->addLayout(adding);
    auto* line = new QHBoxLayout;
    m_edit = makeButton(tr("&Mapping…"), tr("How the selected source is read, and what it is for"));
    connect(m_edit, &QPushButton::clicked, this, &DataStage::editSource);
    line->addWidget(m_edit);
    m_remove = makeButton(tr("Re&move"), tr("Take the selected source out of the recipe; undo "
                                            "brings it back"));
    connect(m_remove, &QPushButton::clicked, this, &DataStage::removeSource);
    line->addWidget(m_remove);
    column->addLayout(line);
    connect(m_cards, &SourceCards::chosen, this, [this](int index) {
        showSource(index);
        showSourceFacts();
    });
    connect(m_cards, &SourceCards::countsChanged, this, &DataStage::showStatus);
    return panel;
}

QWidget* DataStage::makePages() {
    m_tabs = new QTabWidget;
    m_tabs->setDocumentMode(true);
    m_tabs->setAccessibleName(tr("Pages of the data"));
    m_rows = new RowsPage(m_context, *m_prepared);
    m_mix = new MixPage(m_context, *m_prepared);
    m_tokens = new TokensPage(m_context, *m_prepared);
    m_tabs->addTab(m_rows, tr("Rows"));
    m_tabs->addTab(m_mix, tr("Mix"));
    m_tabs->addTab(m_tokens, tr("Tokens"));
    using Kind = FindingsPage::Kind;
    m_tabs->addTab(new FindingsPage(Kind::LeftOut, m_context, *m_prepared), tr("Left out"));
    m_tabs->addTab(new FindingsPage(Kind::Duplicates, m_context, *m_prepared), tr("Duplicates"));
    m_tabs->addTab(new FindingsPage(Kind::Overlap, m_context, *m_prepared), tr("Overlap"));
    connect(m_tabs, &QTabWidget::currentChanged, this, &DataStage::follow);
    return m_tabs;
}

void DataStage::showPage(DataPage page) {
    m_tabs->setCurrentIndex(static_cast<int>(page));
}

DataPage DataStage::page() const {
    return static_cast<DataPage>(m_tabs->currentIndex());
}

FindingsPage* DataStage::findings(DataPage page) const {
    return qobject_cast<FindingsPage*>(m_tabs->widget(static_cast<int>(page)));
}

// While the stage is looked at, tokens and counts follow the draft.
void DataStage::follow() {
    m_prepared->setWanted(isVisible());
    if (page() == DataPage::Tokens) m_tokens->refresh();
}

void DataStage::showEvent(QShowEvent* event) {
    Stage::showEvent(event);
    follow();
}

void DataStage::hideEvent(QHideEvent* event) {
    Stage::hideEvent(event);
    follow();
}

void DataStage::chooseFiles() {
    importPaths(QFileDialog::getOpenFileNames(
        this, tr("Import data files"), {},
        tr("Data (*.jsonl *.json *.csv *.tsv *.parquet *.txt *.gz *.zst);;All files (*)")));
}

void DataStage::chooseFolder() {
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Import a folder of data"));
    if (!folder.isEmpty()) importPaths({folder});
}

ImportSheet* DataStage::openSheet(ImportSheet* sheet) {
    sheet->setAttribute(Qt::WA_DeleteOnClose);
    sheet->open();
    return sheet;
}

ImportSheet* DataStage::importPaths(const QStringList& paths) {
    if (paths.isEmpty()) return nullptr;
    std::vector<core::DataSpec> drafts;
    for (const QString& path : paths) {
        drafts.push_back(m_context.document.draftSource(toPath(path), drafts));
    }
    auto* sheet = new ImportSheet(std::move(drafts), m_context.document.recipe().folder,
                                  ImportSheet::Use::AddSources, this);
    connect(sheet, &QDialog::accepted, this, [this, sheet] {
        m_context.document.addSources(sheet->sources());
        showSource(m_cards->count() - 1);
    });
    return openSheet(sheet);
}

ImportSheet* DataStage::editSource() {
    const auto index = static_cast<size_t>(std::max(m_cards->current(), 0));
    const core::Recipe& recipe = m_context.document.recipe();
    if (index >= recipe.data.size()) return nullptr;
    auto* sheet =
        new ImportSheet({recipe.data[index]}, recipe.folder, ImportSheet::Use::ChangeSource, this);
    connect(sheet, &QDialog::accepted, this, [this, sheet, index] {
        m_context.document.changeSource(index, sheet->sources().front());
    });
    return openSheet(sheet);
}

void DataStage::removeSource() {
    if (m_cards->current() < 0) return;
    m_context.document.removeSource(static_cast<size_t>(m_cards->current()));
}

void DataStage::showSources() {
    const core::Recipe& recipe = m_context.document.recipe();
    m_pages->setCurrentIndex(recipe.data.empty() ? 0 : 1);
    m_cards->setSources(recipe);
    m_remove->setEnabled(!recipe.data.empty());
    m_edit->setEnabled(!recipe.data.empty());
    if (recipe.data.empty()) return m_rows->clear();
    showSource(m_cards->current());
}

void DataStage::showSource(int index) {
    const core::Recipe& recipe = m_context.document.recipe();
    if (index < 0 || static_cast<size_t>(index) >= recipe.data.size()) return;
    m_cards->setCurrent(index);
    m_rows->showSource(index);
}

void DataStage::showSourceFacts() {
    const core::Result<SourceLook>* counted = m_cards->counted(m_cards->current());
    if (counted == nullptr || !counted->ok()) return;
    FactList::Facts facts{{tr("Rows"), numberText((*counted)->rows)},
                          {tr("Files"), numberText((*counted)->files)},
                          {tr("Size"), toQt(core::format_bytes((*counted)->bytes))},
                          {tr("Read as"), toQt((*counted)->converter)}};
    if (!(*counted)->licence.empty()) {
        facts.emplace_back(tr("Licence"), toQt((*counted)->licence));
    }
    QString dropped;
    for (const auto& [reason, entry] : (*counted)->dropped.reasons) {
        dropped += tr("%1 rows left out: %2\n").arg(numberText(entry.count), toQt(reason));
        for (const std::string& example : entry.examples)
            dropped += toQt(example) + QLatin1Char('\n');
    }
    const auto index = static_cast<size_t>(m_cards->current());
    m_context.inspector.showFacts(toQt(m_context.document.recipe().data[index].name), facts,
                                  dropped);
}

void DataStage::showStatus() {
    int64_t rows = 0;
    bool is_complete = true;
    for (int i = 0; i < m_cards->count(); ++i) {
        const core::Result<SourceLook>* counted = m_cards->counted(i);
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
                  is_complete ? tr("%1, %2 rows").arg(sources, numberText(rows)) : sources);
    }
}

void DataStage::focusSearch() {
    showPage(DataPage::Rows);
    m_rows->focusSearch();
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
    importPaths(paths);
}

void DataStage::showInInspector() {
    m_context.inspector.clear();
    m_rows->showInInspector();
}

}  // namespace dayrun::ui
