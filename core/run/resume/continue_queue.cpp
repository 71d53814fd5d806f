// Finding the runs that items go on with. Neighbour: continue_queue.h. Any thread.
#include "core/run/resume/continue_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/recipe/recipe_schema.h"
#include "core/recipe/recipe_yaml.h"
#include "core/run/run_files.h"
#include "core/run/run_session.h"

namespace dayrun::core {

namespace {

constexpr size_t kDifferencesNamed = 3;

/// A run of the project and its settings.
struct PastRun {
    RunRecord record;
    Recipe recipe;
    bool is_taken = false;
};

// Runs that can play a part, newest first: discarded ones and those of a newer Dayrun cannot.
Result<std::vector<PastRun>> past_runs(const Project& project) {
    TRY(query, project.query());
    TRY(records, query.runs());
    std::vector<PastRun> runs;
    for (RunRecord& record : records) {
        if (record.state != RunState::Finished && !is_continuable(project, record)) continue;
        auto recipe =
            parse_recipe(record.recipe_yaml, "recipe.yaml", project.run_folder(record.run_id));
        if (!recipe.ok()) continue;
        runs.push_back({std::move(record), std::move(recipe).value()});
    }
    return runs;
}

bool is_run_of(const PastRun& run, const Recipe& recipe) {
    return write_recipe(run.recipe, Keys::All) ==
           write_recipe(frozen_recipe(recipe, run.record.run_id), Keys::All);
}

Error changed_recipe(const Recipe& of_run, const Recipe& wanted, const std::string& run_id) {
    const Recipe both[] = {of_run, wanted};
    std::string text;
    size_t count = 0;
    for (const SettingDiff& diff : recipe_diff(both)) {
        if (++count > kDifferencesNamed) continue;
        text += fmt::format("{}{} was {} and is {}", text.empty() ? "" : ", ", diff.key,
                            diff.values[0].empty() ? "empty" : diff.values[0],
                            diff.values[1].empty() ? "empty" : diff.values[1]);
    }
    if (count > kDifferencesNamed) {
        text += fmt::format(", and {} more", count - kDifferencesNamed);
    }
    return {.code = ErrorCode::BadRecipe,
            .message = fmt::format("Run {} cannot go on with another recipe: {}.", run_id, text),
            .hint = "Undo the change, or start a new run without --continue."};
}

// The newest runs of the item's settings, as many as items have them, go to those items in order.
void take_runs(std::vector<PastRun>& runs, std::vector<QueueItem*> same_items) {
    const Recipe& recipe = same_items.front()->recipe;
    std::vector<PastRun*> found;
    for (PastRun& run : runs) {
        if (found.size() == same_items.size()) break;
        if (!run.is_taken && is_run_of(run, recipe)) found.push_back(&run);
    }
    std::reverse(found.begin(), found.end());
    for (size_t i = 0; i < found.size(); ++i) {
        QueueItem& item = *same_items[i];
        found[i]->is_taken = true;
        item.run_id = found[i]->record.run_id;
        item.resumes = found[i]->record.state != RunState::Finished;
        if (!item.resumes) item.done = found[i]->record;
    }
}

Result<void> check_not_changed(const std::vector<PastRun>& runs, const QueueItem& item) {
    if (item.resumes || item.done || item.recipe.name.empty()) return {};
    const auto newest = std::find_if(runs.begin(), runs.end(), [&](const PastRun& run) {
        return run.recipe.name == item.recipe.name;
    });
    if (newest == runs.end() || newest->is_taken) return {};
    if (newest->record.state == RunState::Finished) return {};
    const std::string& run_id = newest->record.run_id;
    return changed_recipe(newest->recipe, frozen_recipe(item.recipe, run_id), run_id);
}

}  // namespace

bool is_continuable(const Project& project, const RunRecord& record) {
    if (record.state == RunState::Finished) return false;
    if (record.interrupted || record.state == RunState::Parked) return true;
    const bool is_over = record.state == RunState::Stopped || record.state == RunState::Failed;
    const RunFiles files(project.run_folder(record.run_id));
    // A point that lost its seal is told there, and not passed over for a new run.
    return is_over && (!files.resume_points().empty() || !files.unsealed_points().empty());
}

Result<void> same_recipe(const Recipe& of_run, const Recipe& wanted, const std::string& run_id) {
    if (write_recipe(of_run, Keys::All) == write_recipe(wanted, Keys::All)) return {};
    return changed_recipe(of_run, wanted, run_id);
}

Result<void> match_interrupted(const Project& project, std::vector<QueueItem>& items) {
    TRY(runs, past_runs(project));
    std::set<const QueueItem*> matched;
    for (QueueItem& item : items) {
        if (matched.count(&item) != 0) continue;
        const std::string text = write_recipe(frozen_recipe(item.recipe, ""), Keys::All);
        std::vector<QueueItem*> same;
        for (QueueItem& other : items) {
            if (write_recipe(frozen_recipe(other.recipe, ""), Keys::All) != text) continue;
            same.push_back(&other);
            matched.insert(&other);
        }
        take_runs(runs, same);
    }
    for (const QueueItem& item : items) TRY_VOID(check_not_changed(runs, item));
    return {};
}

}  // namespace dayrun::core
