// `--continue`: which run of a project each item of a queue goes on with. An item belongs to the
// runs that were made from the same settings; the same item twice takes two runs, in their order.
// Any thread. Neighbours: run_queue.h runs the items, resume_point.h is what a run goes on from.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/records/project.h"
#include "core/run/run_queue.h"

namespace dayrun::core {

/// Whether a run can go on: it was parked, or cut off, or has a resume point (or what lost its
/// seal) and did not finish.
bool is_continuable(const Project& project, const RunRecord& record);

/// BadRecipe that names the settings in which two frozen recipes differ.
Result<void> same_recipe(const Recipe& of_run, const Recipe& wanted, const std::string& run_id);

/// Gives each item the unfinished run that it goes on with, or the finished one; an item that never
/// started stays a new run. BadRecipe when the newest run of an item's name was interrupted and had
/// other settings: going on with them would be another run.
Result<void> match_interrupted(const Project& project, std::vector<QueueItem>& items);

}  // namespace dayrun::core
