// Neighbours: models/match_tree_model.h (groups), project/source_rows.h (texts),
// panels/text_pair_view.h (side by side).
#include "ui/stages/data/findings/matches_page.h"

#include <QHeaderView>
#include <QLabel>
#include <QScrollArea>
#include <QSplitter>
#include <QTreeView>
#include <QVBoxLayout>
#include <set>

#include "core/compile/cache/token_cache.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/panels/text_pair_view.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"
#include "ui/project/source_rows.h"

namespace dayrun::ui {
namespace {

constexpr int64_t kOpenedLines = 500;

PairSide cachedSide(SourceRows& rows, const Prepared& prepared, core::SampleRef ref,
                    std::stop_token stop) {
    PairSide side;
    side.title = toQt(prepared.data->place_of(ref));
    const auto sample = rows.sample(prepared, ref, std::move(stop));
    if (sample.ok()) {
        side.parts = pairParts(*sample);
    } else {
        side.problem = toQt(sample.error());
    }
    return side;
}

PairSide fileSide(SourceRows& rows, const Prepared& prepared, const RowMatch& match,
                  std::stop_token stop) {
    const core::OverlapSet& set = prepared.data->overlap.sets[match.set];
    PairSide side;
    side.title = match.otherPlace;
    core::DataSpec spec;
    spec.name = spec.path = set.path;
    const auto row = rows.row(spec, prepared.recipe.folder, match.fileRow, std::move(stop));
    if (row.ok()) {
        side.parts = pairParts(*row);
    } else {
        side.problem = toQt(row.error());
    }
    return side;
}

TextPair readPair(SourceRows& rows, const Prepared& prepared, const RowMatch& match, size_t words,
                  const std::stop_token& stop) {
    TextPair pair;
    pair.left = cachedSide(rows, prepared, match.row, stop);
    pair.right = match.other ? cachedSide(rows, prepared, *match.other, stop)
                             : fileSide(rows, prepared, match, stop);
    markShared(pair, words);
    return pair;
}

}  // namespace

MatchesPage::MatchesPage(MatchTreeModel::Kind kind, StageContext context, PreparedData& prepared,
                         std::shared_ptr<SourceRows> rows, QWidget* parent)
    : QWidget(parent), m_context(context), m_prepared(prepared), m_rows(std::move(rows)) {
    m_matches = new MatchTreeModel(kind, this);
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 8, 0, 0);
    // In a low window the page scrolls: texts squeezed flat tell nothing.
    auto* page = new QWidget;
    page->setProperty("kind", QStringLiteral("clear"));
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(page);
    outer->addWidget(scroll);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 4, 4, 0);
    column->setSpacing(10);
    m_above = new QVBoxLayout;
    m_above->setSpacing(8);
    column->addLayout(m_above);
    m_summary = makeLabel({});
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    column->addWidget(makeGroups(), 1);
    m_below = new QVBoxLayout;
    column->addLayout(m_below);
    connect(&prepared, &PreparedData::changed, this, [this] {
        if (isVisible()) refresh();
        showSummary();
    });
}

QWidget* MatchesPage::makeGroups() {
    auto* split = new QSplitter(Qt::Vertical);
    split->setChildrenCollapsible(false);
    split->setHandleWidth(10);
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    m_tree = new QTreeView;
    m_tree->setModel(m_matches);
    m_tree->setAccessibleName(tr("Rows that match"));
    m_tree->setAccessibleDescription(tr("In groups; both texts follow the arrow keys"));
    m_tree->setUniformRowHeights(true);
    m_tree->setAlternatingRowColors(true);
    m_tree->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_tree->setTabKeyNavigation(false);
    m_tree->setMinimumHeight(120);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(MatchTreeModel::Row, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(MatchTreeModel::Other, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(MatchTreeModel::How, QHeaderView::Fixed);
    m_tree->header()->resizeSection(
        MatchTreeModel::How,
        m_tree->fontMetrics().horizontalAdvance(QStringLiteral("888,888 equal inputs, 888,888")));
    column->addWidget(m_tree, 1);
    auto* line = new QHBoxLayout;
    m_leave_out = makeButton(tr("&Leave out"), tr("Leaves the selected rows out of the data by "
                                                  "their numbers; undo brings them back"));
    connect(m_leave_out, &QPushButton::clicked, this, &MatchesPage::leaveOut);
    line->addWidget(m_leave_out);
    m_drop_note = makeLabel({}, "muted");
    m_drop_note->setWordWrap(true);
    line->addWidget(m_drop_note, 1);
    column->addLayout(line);
    split->addWidget(panel);
    m_pair = new TextPairView;
    m_pair->clear(tr("Select a row to see both texts."));
    split->addWidget(m_pair);
    split->setStretchFactor(0, 1);
    split->setStretchFactor(1, 1);
    connect(m_tree->selectionModel(), &QItemSelectionModel::selectionChanged, this,
            &MatchesPage::showButton);
    connect(m_tree->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &MatchesPage::showSelected);
    return split;
}

QString MatchesPage::summaryText() const {
    return m_summary->text();
}

void MatchesPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    refresh();
    showSummary();
}

void MatchesPage::look(const QString& what, Lane lane, Finder finder) {
    const auto prepared = m_prepared.prepared();
    if (prepared == m_looked_at && what == m_looked_for) return;
    m_looked_at = prepared;
    m_looked_for = what;
    m_look_job.cancel();
    if (!prepared) return showGroups({});
    m_is_looking = true;
    m_look_job = startJob(
        this, lane,
        [prepared, finder = std::move(finder)](std::stop_token stop) {
            return finder(*prepared, stop);
        },
        [this](core::Result<Groups> groups) {
            m_problem = groups.ok() ? QString() : toQt(groups.error());
            showGroups(groups.ok() ? std::move(*groups) : Groups());
        });
    showSummary();
}

// The person stays where they were: behind a row that was just left out comes the next one.
void MatchesPage::showGroups(Groups groups) {
    m_is_looking = false;
    const QModelIndex before = m_tree->currentIndex();
    const bool was_match = m_matches->match(before) != nullptr;
    const int group = was_match ? before.parent().row() : before.row();
    const int match = was_match ? before.row() : -1;
    m_matches->setGroups(m_looked_at, std::move(groups));
    const int count = static_cast<int>(m_matches->groups().size());
    // Some opened groups show what the others hold; thousands of lines show nothing.
    int64_t opened = 0;
    for (int i = 0; i < count && opened < kOpenedLines; ++i) {
        opened += std::ssize(m_matches->groups()[static_cast<size_t>(i)].matches) + 1;
        if (opened <= kOpenedLines) m_tree->expand(m_matches->index(i, 0));
    }
    if (count == 0) {
        m_pair->clear(tr("Select a row to see both texts."));
    } else {
        const int shown = std::clamp(group, 0, count - 1);
        const int last = m_matches->rowCount(m_matches->index(shown, 0)) - 1;
        select(shown, std::clamp(match, 0, last));
    }
    showButton();
    showSummary();
}

void MatchesPage::select(int group, int match) {
    const QModelIndex parent = m_matches->index(group, 0);
    const QModelIndex line = match < 0 ? parent : m_matches->index(match, 0, parent);
    m_tree->setCurrentIndex(line);
    m_tree->scrollTo(line);
}

void MatchesPage::showSummary() {
    const QString state = m_prepared.stateText();
    QStringList lines;
    if (m_is_looking) {
        lines << tr("Looking…");
    } else if (m_matches->prepared()) {
        lines << foundText(*m_matches->prepared(), m_matches->groups());
    }
    if (!m_problem.isEmpty()) lines << QStringLiteral("\u26a0 ") + m_problem;
    if (!state.isEmpty()) lines << state;
    m_summary->setText(lines.join(QLatin1Char('\n')));
}

std::vector<core::SampleRef> MatchesPage::chosen() const {
    std::vector<core::SampleRef> rows;
    std::set<std::pair<uint32_t, uint32_t>> known;
    for (const QModelIndex& line : m_tree->selectionModel()->selectedRows()) {
        for (const core::SampleRef& row : droppable(line)) {
            if (known.emplace(row.source_index, row.row).second) rows.push_back(row);
        }
    }
    return rows;
}

void MatchesPage::showButton() {
    const auto rows = static_cast<qint64>(chosen().size());
    m_leave_out->setEnabled(rows > 0 && m_matches->prepared() == m_prepared.prepared());
    m_drop_note->setText(dropNote(m_tree->currentIndex()));
    m_leave_out->setText(rows > 1 ? tr("&Leave out %1 rows").arg(numberText(rows))
                                  : tr("&Leave out this row"));
}

void MatchesPage::leaveOut() {
    const auto& prepared = m_matches->prepared();
    if (!prepared) return;
    std::vector<std::pair<size_t, int64_t>> rows;
    for (const core::SampleRef& row : chosen()) {
        const core::TokenCache& cache = prepared->data->cache(row.source_index);
        rows.emplace_back(row.source_index, static_cast<int64_t>(cache.row_indices[row.row]) + 1);
    }
    const auto dropped = m_context.document.dropRows(rows);
    if (!dropped.ok()) m_drop_note->setText(QStringLiteral("\u26a0 ") + toQt(dropped.error()));
}

void MatchesPage::showSelected() {
    const RowMatch* match = m_matches->match(m_tree->currentIndex());
    if (match == nullptr) {
        const MatchGroup* group = m_matches->group(m_tree->currentIndex());
        if (group == nullptr || group->matches.empty()) return;
        match = &group->matches.front();
    }
    m_pair_job = startJob(
        this, Lane::Scan,
        [rows = m_rows, prepared = m_matches->prepared(), match = *match,
         words = sharedWords(*m_matches->prepared())](std::stop_token stop) {
            return readPair(*rows, *prepared, match, words, stop);
        },
        [this](TextPair pair) { m_pair->showPair(std::move(pair)); });
}

}  // namespace dayrun::ui
