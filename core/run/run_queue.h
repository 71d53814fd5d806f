// A queue file: `runs:` is a list of {recipe, set, name}, or the file is one recipe itself
// (contracts.md section 2). Every item is complete before the first starts, so that a bad item is
// told in minute 0. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/events/run_control.h"
#include "core/recipe/recipe.h"
#include "core/recipe/recipe_yaml.h"
#include "core/records/project.h"
#include "core/records/run_record.h"
#include "core/run/run_order.h"

namespace dayrun::core {

struct QueueItem {
    std::filesystem::path recipe_path;
    RecipeOverrides set;
    Recipe recipe;                  // read and checked, overrides and name applied
    std::string run_id;             // chosen here, so that the `start` event can list the runs
    bool resumes = false;           // goes on with the interrupted run of this id
    std::optional<RunRecord> done;  // this run has finished before: nothing is left to do
};

/// Reads the queue and all its recipes; the first fault with file, line and column.
Result<std::vector<QueueItem>> read_queue(const std::filesystem::path& path);

/// Runs the items one after the other, each from its own recipe only; a failed item does not hold
/// the next one. A request ends the whole queue. Discard leaves the current run at once. An item
/// that was done before is told as finished again.
std::vector<RunOutcome> run_queue(Project& project, const EngineFactory& make_engine,
                                  RunControl& control, RunListener& listener,
                                  const std::vector<QueueItem>& items, const RunOrder& common);

}  // namespace dayrun::core
