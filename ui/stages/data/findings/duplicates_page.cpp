// Neighbours: core/compile/cache/data_compiler.h finds, matches_page.h shows.
#include "ui/stages/data/findings/duplicates_page.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <algorithm>

#include "core/data/curate/near_dedupe.h"
#include "ui/forms/setting_form.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/project/prepared_data.h"

namespace dayrun::ui {
namespace {

using core::DedupeMode;
using core::DuplicateRow;

std::pair<uint32_t, uint32_t> placeOf(core::SampleRef ref) {
    return {ref.source_index, ref.row};
}

/// Duplicates under the row that stays for them, in the order of the data.
std::vector<MatchGroup> groupsOf(const Prepared& prepared, std::vector<DuplicateRow> duplicates,
                                 bool is_near) {
    std::stable_sort(duplicates.begin(), duplicates.end(), [](const auto& a, const auto& b) {
        return placeOf(a.kept) < placeOf(b.kept);
    });
    std::vector<MatchGroup> groups;
    const core::SampleRef* kept = nullptr;
    for (const DuplicateRow& duplicate : duplicates) {
        if (kept == nullptr || placeOf(*kept) != placeOf(duplicate.kept)) {
            kept = &duplicate.kept;
            groups.push_back({toQt(prepared.data->place_of(*kept)), {}, {}});
        }
        RowMatch match;
        match.row = duplicate.row;
        match.other = duplicate.kept;
        match.isEqual = !is_near;
        match.similarity = duplicate.similarity;
        match.otherPlace = groups.back().title;
        groups.back().matches.push_back(std::move(match));
    }
    for (MatchGroup& group : groups) {
        group.note = counted(std::ssize(group.matches), DuplicatesPage::tr("duplicate"),
                             DuplicatesPage::tr("duplicates"));
    }
    return groups;
}

}  // namespace

DuplicatesPage::DuplicatesPage(StageContext context, PreparedData& prepared,
                               std::shared_ptr<SourceRows> rows, QWidget* parent)
    : MatchesPage(MatchTreeModel::Kind::Duplicates, context, prepared, std::move(rows), parent) {
    auto* line = new QHBoxLayout;
    auto* label = makeLabel(tr("Look for"));
    line->addWidget(label);
    m_compared = makeChoice(tr("Look for"), tr("What rows are compared by"));
    m_compared->setMinimumContentsLength(24);
    m_compared->addItem(tr("what the recipe leaves out"), static_cast<int>(DedupeMode::None));
    m_compared->addItem(tr("equal inputs"), static_cast<int>(DedupeMode::Input));
    m_compared->addItem(tr("equal inputs and replies"), static_cast<int>(DedupeMode::All));
    m_compared->addItem(tr("nearly equal texts"), static_cast<int>(DedupeMode::Near));
    label->setBuddy(m_compared);
    connect(m_compared, &QComboBox::currentIndexChanged, this, &DuplicatesPage::refresh);
    line->addWidget(m_compared);
    line->addStretch();
    above()->addLayout(line);
    below()->addWidget(new SettingForm(
        context.document,
        QStringList{QStringLiteral("mix.dedupe"), QStringLiteral("mix.near_threshold")}));
}

DedupeMode DuplicatesPage::compared() const {
    return static_cast<DedupeMode>(m_compared->currentData().toInt());
}

bool DuplicatesPage::isOfRecipe(const Prepared& prepared) const {
    return compared() == DedupeMode::None || compared() == prepared.recipe.mix.dedupe;
}

void DuplicatesPage::refresh() {
    const auto prepared = m_prepared.prepared();
    const DedupeMode mode = compared();
    const bool is_of_recipe = prepared && isOfRecipe(*prepared);
    look(QString::number(static_cast<int>(mode)), is_of_recipe ? Lane::Quick : Lane::Scan,
         [mode, is_of_recipe](const Prepared& shown, std::stop_token stop) -> core::Result<Groups> {
             if (is_of_recipe) {
                 return groupsOf(shown, shown.data->duplicates,
                                 shown.recipe.mix.dedupe == DedupeMode::Near);
             }
             core::Recipe asked = shown.recipe;
             asked.mix.dedupe = mode;
             TRY(duplicates, shown.data->find_duplicates(asked, stop));
             return groupsOf(shown, std::move(duplicates), mode == DedupeMode::Near);
         });
}

QString DuplicatesPage::foundText(const Prepared& prepared, const Groups& groups) const {
    int64_t rows = 0;
    for (const MatchGroup& group : groups) rows += std::ssize(group.matches);
    const QString found = tr("%1 in %2")
                              .arg(counted(rows, tr("duplicate"), tr("duplicates")),
                                   counted(std::ssize(groups), tr("group"), tr("groups")));
    if (isOfRecipe(prepared)) {
        if (prepared.recipe.mix.dedupe == DedupeMode::None) {
            return tr(
                "The recipe leaves no duplicate out. Look for them here, or set Remove "
                "duplicates below.");
        }
        return rows == 0 ? tr("No row is left out as a duplicate.")
                         : tr("%1: the first row of each group stays, the others are left out.")
                               .arg(found);
    }
    return rows == 0 ? tr("No two rows in use are alike in this way.")
                     : tr("%1, all of them in use.").arg(found);
}

// What the recipe leaves out already can only be changed by its first row: without it the second
// one stays.
std::vector<core::SampleRef> DuplicatesPage::droppable(const QModelIndex& line) const {
    const RowMatch* match = matches().match(line);
    const bool is_left_out = isOfRecipe(*matches().prepared());
    if (match != nullptr) {
        return is_left_out ? std::vector<core::SampleRef>{} : std::vector{match->row};
    }
    const MatchGroup* group = matches().group(line);
    if (group == nullptr || group->matches.empty()) return {};
    if (is_left_out) return {*group->matches.front().other};
    std::vector<core::SampleRef> rows;
    for (const RowMatch& one : group->matches) rows.push_back(one.row);
    return rows;
}

QString DuplicatesPage::dropNote(const QModelIndex& line) const {
    if (matches().group(line) == nullptr || !isOfRecipe(*matches().prepared())) return {};
    if (matches().match(line) == nullptr) {
        return tr("Leaves out the row that stays; the next one of the group stays instead.");
    }
    return tr("Left out already by the recipe. Select the group to let another of its rows stay.");
}

size_t DuplicatesPage::sharedWords(const Prepared&) const {
    return core::kShingleWords;
}

}  // namespace dayrun::ui
