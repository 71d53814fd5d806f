// Neighbours: core/compile/cache/overlap_scan.h finds, matches_page.h shows.
#include "ui/stages/data/findings/overlap_page.h"

#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QPushButton>
#include <QTableWidget>
#include <algorithm>
#include <map>

#include "ui/forms/setting_form.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

enum SetColumn { Name, Rows, Equal, Shared, Training, kSetColumns };

/// "3 equal inputs, 12 by words".
QString noteOf(const MatchGroup& group) {
    const auto equal = std::count_if(group.matches.begin(), group.matches.end(),
                                     [](const RowMatch& match) { return match.isEqual; });
    const auto by_words = std::ssize(group.matches) - equal;
    QStringList notes;
    if (equal > 0) notes << OverlapPage::tr("%1 equal").arg(numberText(equal));
    if (by_words > 0) notes << OverlapPage::tr("%1 by words").arg(numberText(by_words));
    return notes.join(QStringLiteral(", "));
}

std::vector<MatchGroup> groupsOf(const Prepared& prepared) {
    const core::OverlapReport& report = prepared.data->overlap;
    std::map<std::pair<uint32_t, uint32_t>, MatchGroup> by_set;
    for (const core::OverlapHit& hit : report.hits) {
        MatchGroup& group = by_set[{hit.set, hit.train.source_index}];
        RowMatch match;
        match.row = hit.train;
        const core::OverlapSet& set = report.sets[hit.set];
        if (set.path.empty()) match.other = hit.held_out;
        match.set = hit.set;
        match.fileRow = hit.file_row;
        match.isEqual = hit.is_exact;
        match.words = hit.end - hit.begin;
        match.otherPlace = toQt(hit.other);
        group.matches.push_back(std::move(match));
        if (group.title.isEmpty()) {
            group.title =
                OverlapPage::tr("%1 and %2")
                    .arg(toQt(prepared.data->sources[hit.train.source_index].name), toQt(set.name));
        }
    }
    std::vector<MatchGroup> groups;
    for (auto& [place, group] : by_set) {
        group.note = noteOf(group);
        groups.push_back(std::move(group));
    }
    return groups;
}

}  // namespace

OverlapPage::OverlapPage(StageContext context, PreparedData& prepared,
                         std::shared_ptr<SourceRows> rows, QWidget* parent)
    : MatchesPage(MatchTreeModel::Kind::Overlap, context, prepared, std::move(rows), parent) {
    makeSets();
    below()->addWidget(new SettingForm(
        context.document,
        QStringList{QStringLiteral("overlap.ngram"), QStringLiteral("overlap.remove")}));
    connect(&context.document, &ProjectDocument::recipeChanged, this, &OverlapPage::showSets);
    connect(&prepared, &PreparedData::changed, this, &OverlapPage::showSets);
    showSets();
}

void OverlapPage::makeSets() {
    m_sets = new QTableWidget(0, kSetColumns);
    m_sets->setHorizontalHeaderLabels({tr("Evaluation set"), tr("Rows"), tr("Equal input trained"),
                                       tr("Words shared"), tr("Training rows")});
    m_sets->setAccessibleName(tr("Evaluation sets"));
    m_sets->setAccessibleDescription(
        tr("What training rows are compared with, and how many of its rows are met"));
    m_sets->setShowGrid(false);
    m_sets->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_sets->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_sets->setSelectionMode(QAbstractItemView::SingleSelection);
    m_sets->setTabKeyNavigation(false);
    m_sets->setWordWrap(false);
    m_sets->verticalHeader()->hide();
    m_sets->horizontalHeader()->setHighlightSections(false);
    m_sets->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_sets->horizontalHeader()->setSectionResizeMode(Name, QHeaderView::Stretch);
    for (int column = 0; column < kSetColumns; ++column) {
        m_sets->horizontalHeaderItem(column)->setTextAlignment(
            (column == Name ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    }
    m_sets->setFixedHeight(4 * (m_sets->fontMetrics().height() + 16));
    above()->addWidget(m_sets);
    auto* line = new QHBoxLayout;
    auto* add = makeButton(tr("Add &evaluation files…"),
                           tr("Choose files that no training row should repeat"));
    connect(add, &QPushButton::clicked, this, [this] {
        addFiles(QFileDialog::getOpenFileNames(
            this, tr("Evaluation files"), {},
            tr("Data (*.jsonl *.json *.csv *.tsv *.parquet *.txt *.gz *.zst);;All files (*)")));
    });
    line->addWidget(add);
    m_remove_file = makeButton(tr("&Do not compare"),
                               tr("Takes the selected evaluation file out of the recipe"));
    connect(m_remove_file, &QPushButton::clicked, this, &OverlapPage::removeFile);
    line->addWidget(m_remove_file);
    line->addStretch();
    above()->addLayout(line);
    connect(m_sets, &QTableWidget::itemSelectionChanged, this, &OverlapPage::showRemovable);
}

// The held-out rows first, then the files as the recipe has them: also those that could not be
// read, so that they can be taken out again.
void OverlapPage::showSets() {
    const QString selected = selectedFile();
    const auto prepared = m_prepared.prepared();
    const auto& files = m_context.document.recipe().overlap.files;
    std::vector<std::pair<QString, const core::OverlapSet*>> lines;
    std::map<std::string, const core::OverlapSet*> by_path;
    if (prepared) {
        for (const core::OverlapSet& set : prepared->data->overlap.sets) {
            if (set.path.empty()) lines.emplace_back(toQt(set.name), &set);
            by_path[set.path] = &set;
        }
    }
    for (const std::string& file : files) lines.emplace_back(toQt(file), by_path[file]);
    m_sets->setRowCount(static_cast<int>(lines.size()));
    const auto first_file = std::ssize(lines) - std::ssize(files);
    for (int row = 0; row < std::ssize(lines); ++row) {
        const auto& [name, set] = lines[static_cast<size_t>(row)];
        QStringList texts{name, {}, {}, {}, {}};
        if (set != nullptr) {
            int64_t training = 0;
            for (const int64_t count : set->exact_by_source) training += count;
            for (const int64_t count : set->ngram_by_source) training += count;
            texts = {name, numberText(set->rows), numberText(set->exact_rows),
                     numberText(set->ngram_rows), numberText(training)};
        } else {
            texts[Rows] = tr("not read yet");
        }
        for (int column = 0; column < kSetColumns; ++column) {
            auto* item = new QTableWidgetItem(texts[column]);
            if (column != Name) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            m_sets->setItem(row, column, item);
        }
        const bool is_file = row >= first_file;
        m_sets->item(row, Name)->setData(Qt::UserRole, is_file ? name : QString());
        m_sets->item(row, Name)->setToolTip(name);
        if (is_file && name == selected) m_sets->selectRow(row);
    }
    showRemovable();
}

QString OverlapPage::selectedFile() const {
    const QTableWidgetItem* item = m_sets->item(m_sets->currentRow(), Name);
    return item == nullptr ? QString() : item->data(Qt::UserRole).toString();
}

void OverlapPage::showRemovable() {
    m_remove_file->setEnabled(!selectedFile().isEmpty());
}

void OverlapPage::addFiles(const QStringList& paths) {
    if (paths.isEmpty()) return;
    auto files = m_context.document.recipe().overlap.files;
    for (const QString& path : paths) {
        const std::string file = toStd(m_context.document.portable(toPath(path)));
        if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
    }
    const QString first = pathText(toPath(paths.front()).filename());
    const QString what =
        paths.size() == 1 ? first : tr("%1 and %2 more").arg(first).arg(paths.size() - 1);
    m_context.document.setEvaluationFiles(tr("Compare with %1").arg(what), files);
}

void OverlapPage::removeFile() {
    const QString file = selectedFile();
    if (file.isEmpty()) return;
    auto files = m_context.document.recipe().overlap.files;
    std::erase(files, toStd(file));
    m_context.document.setEvaluationFiles(
        tr("Do not compare with %1").arg(pathText(toPath(file).filename())), files);
}

void OverlapPage::refresh() {
    look({}, Lane::Quick,
         [](const Prepared& prepared, std::stop_token) { return groupsOf(prepared); });
}

QString OverlapPage::foundText(const Prepared& prepared, const Groups& groups) const {
    if (prepared.data->overlap.sets.empty()) {
        return tr(
            "No rows are held out for validation, and no evaluation file is named: there is "
            "nothing to compare with.");
    }
    if (groups.empty()) return tr("No training row stands in an evaluation set.");
    return tr("\u26a0 %1 an evaluation set: what is measured there is too good.")
        .arg(counted(prepared.data->overlap.training_rows(), tr("training row overlaps with"),
                     tr("training rows overlap with")));
}

std::vector<core::SampleRef> OverlapPage::droppable(const QModelIndex& line) const {
    if (const RowMatch* match = matches().match(line)) return {match->row};
    std::vector<core::SampleRef> rows;
    if (const MatchGroup* group = matches().group(line)) {
        for (const RowMatch& match : group->matches) rows.push_back(match.row);
    }
    return rows;
}

QString OverlapPage::dropNote(const QModelIndex&) const {
    return {};
}

size_t OverlapPage::sharedWords(const Prepared& prepared) const {
    const int64_t ngram = prepared.recipe.overlap.ngram;
    return ngram > 0 ? static_cast<size_t>(ngram) : size_t{13};
}

}  // namespace dayrun::ui
