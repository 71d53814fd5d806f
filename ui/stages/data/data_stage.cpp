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
#include "ui/bridge/check_place.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/panels/cache_panel.h"
#include "ui/panels/inspector.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"
#include "ui/project/source_rows.h"
#include "ui/stages/data/findings/drops_page.h"
#include "ui/stages/data/findings/duplicates_page.h"
#include "ui/stages/data/findings/overlap_page.h"
#include "ui/stages/data/import_sheet.h"
#include "ui/stages/data/mix_page.h"
#include "ui/stages/data/rows_page.h"
#include "ui/stages/data/source_cards.h"
#include "ui/stages/data/template_page.h"
#include "ui/stages/data/tokens_page.h"

namespace dayrun::ui {
DataStage::DataStage(StageContext context, QWidget* parent) : Stage(parent), m_context(context) {
    setAcceptDrops(true);
    m_prepared = new PreparedData(context.document, this);
    m_source_rows = std::make_shared<SourceRows>();
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
    for (const QString& title : {tr("Rows"), tr("Mix"), tr("Template"), tr("Tokens"),
                                 tr("Left out"), tr("Duplicates"), tr("Overlap")}) {
        auto* holder = new QWidget;
        auto* column = new QVBoxLayout(holder);
        column->setContentsMargins(0, 0, 0, 0);
        m_tabs->addTab(holder, title);
    }
    connect(m_tabs, &QTabWidget::currentChanged, this, &DataStage::follow);
    return m_tabs;
}

QWidget* DataStage::makePage(DataPage page) {
    switch (page) {
        case DataPage::Rows: {
            auto* rows = new RowsPage(m_context, *m_prepared);
            if (m_cards->current() >= 0) rows->showSource(m_cards->current());
            return rows;
        }
        case DataPage::Mix:
            return new MixPage(m_context, *m_prepared);
        case DataPage::Template:
            return new TemplatePage(m_context, *m_prepared, m_source_rows);
        case DataPage::Tokens:
            return new TokensPage(m_context, *m_prepared, m_source_rows);
        case DataPage::LeftOut: {
            auto* drops = new DropsPage(m_context, *m_prepared);
            connect(drops, &DropsPage::exampleChosen, this, &DataStage::showExample);
            return drops;
        }
        case DataPage::Duplicates:
            return new DuplicatesPage(m_context, *m_prepared, m_source_rows);
        case DataPage::Overlap:
            return new OverlapPage(m_context, *m_prepared, m_source_rows);
        case DataPage::kCount:
            break;
    }
    return nullptr;
}

QWidget* DataStage::ensurePage(DataPage page) {
    QWidget*& made = m_made[static_cast<size_t>(page)];
    if (made != nullptr) return made;
    made = makePage(page);
    m_tabs->widget(static_cast<int>(page))->layout()->addWidget(made);
    return made;
}

template <typename Page>
Page* DataStage::pageAs(DataPage page) {
    return static_cast<Page*>(ensurePage(page));
}

RowsPage* DataStage::rowsPage() {
    return pageAs<RowsPage>(DataPage::Rows);
}
MixPage* DataStage::mixPage() {
    return pageAs<MixPage>(DataPage::Mix);
}
TemplatePage* DataStage::templatePage() {
    return pageAs<TemplatePage>(DataPage::Template);
}
TokensPage* DataStage::tokensPage() {
    return pageAs<TokensPage>(DataPage::Tokens);
}
DropsPage* DataStage::dropsPage() {
    return pageAs<DropsPage>(DataPage::LeftOut);
}
DuplicatesPage* DataStage::duplicatesPage() {
    return pageAs<DuplicatesPage>(DataPage::Duplicates);
}
OverlapPage* DataStage::overlapPage() {
    return pageAs<OverlapPage>(DataPage::Overlap);
}

void DataStage::showPage(DataPage page) {
    m_tabs->setCurrentIndex(static_cast<int>(page));
}

DataPage DataStage::page() const {
    return static_cast<DataPage>(m_tabs->currentIndex());
}

// While the stage is looked at, tokens and counts follow the draft.
void DataStage::follow() {
    m_prepared->setWanted(isVisible());
    if (!isVisible()) return;
    ensurePage(page());
    if (page() == DataPage::Tokens) tokensPage()->refresh();
}

void DataStage::showEvent(QShowEvent* event) {
    Stage::showEvent(event);
    follow();
}

void DataStage::hideEvent(QHideEvent* event) {
    Stage::hideEvent(event);
    follow();
}

CachePanel* DataStage::showCaches() {
    CachesInUse in_use;
    if (const auto prepared = m_prepared->prepared()) {
        for (const core::SourceReport& source : prepared->data->sources) {
            in_use.emplace_back(source.cache_file, toQt(source.name));
        }
    }
    auto* panel =
        new CachePanel(m_context.document.project().cache_folder(), std::move(in_use), this);
    panel->setAttribute(Qt::WA_DeleteOnClose);
    connect(panel, &CachePanel::usedCachesGone, m_prepared, &PreparedData::prepareAgain);
    panel->open();
    return panel;
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
    auto* sheet = new ImportSheet(std::move(drafts), m_context.document.recipe().data_folder(),
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
    auto* sheet = new ImportSheet({recipe.data[index]}, recipe.data_folder(),
                                  ImportSheet::Use::ChangeSource, this);
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
    if (recipe.data.empty()) {
        if (isMade(DataPage::Rows)) rowsPage()->clear();
        return;
    }
    showSource(m_cards->current());
}

void DataStage::showSource(int index) {
    const core::Recipe& recipe = m_context.document.recipe();
    if (index < 0 || static_cast<size_t>(index) >= recipe.data.size()) return;
    m_cards->setCurrent(index);
    if (isMade(DataPage::Rows)) rowsPage()->showSource(index);
}

void DataStage::showRow(int source, int64_t row) {
    showSource(source);
    showPage(DataPage::Rows);
    rowsPage()->showRow(row);
}

void DataStage::showCheck(const QString& check) {
    const auto search = [this](LensSearch what) {
        showPage(DataPage::Tokens);
        tokensPage()->showSearch(what);
    };
    switch (placeOfCheck(check)) {
        case CheckPlace::None:
            return;
        case CheckPlace::Rows:
            return showPage(DataPage::Rows);
        case CheckPlace::LeftOut:
            return showPage(DataPage::LeftOut);
        case CheckPlace::Overlap:
            return showPage(DataPage::Overlap);
        case CheckPlace::StopNotTrained:
            return search(LensSearch::StopNotTrained);
        case CheckPlace::CutOff:
            return search(LensSearch::CutOff);
        case CheckPlace::NotOneBos:
            return search(LensSearch::NotOneBos);
    }
}

// Most examples say the row's number. Of a row that could not be read only the place in its file is
// known: it is looked up in the source.
void DataStage::showExample(int source, const QString& example) {
    if (example.startsWith(QStringLiteral("row "))) {
        return showRow(
            source,
            example.section(QLatin1Char(' '), 1, 1).remove(QLatin1Char(':')).toLongLong() - 1);
    }
    const core::Recipe& recipe = m_context.document.recipe();
    if (source < 0 || static_cast<size_t>(source) >= recipe.data.size()) return;
    m_example_job = startJob(
        this, Lane::Scan,
        [rows = m_source_rows, spec = recipe.data[static_cast<size_t>(source)],
         folder = recipe.data_folder(), place = toStd(example)](std::stop_token stop) {
            return rows->find(spec, folder, place, stop);
        },
        [this, source](core::Result<int64_t> row) {
            if (row.ok()) showRow(source, *row);
        });
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
    rowsPage()->focusSearch();
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
    if (isMade(DataPage::Rows)) rowsPage()->showInInspector();
}

}  // namespace dayrun::ui
