// Puts runs side by side: curves on one axis, the settings in which they differ, and names made of
// those settings. Neighbour: run_query.h reads one run. Any thread that has its own RunQuery.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe_schema.h"
#include "core/records/run_query.h"

namespace dayrun::core {

struct ComparedRun {
    RunRecord record;
    std::string label;  // the settings that differ: "lora_rank 8, learning_rate 0.0002"
    Series loss;
    Series eval_loss;
};

struct Comparison {
    std::vector<ComparedRun> runs;      // in the order asked for
    std::vector<SettingDiff> settings;  // values in the same order
    bool builds_differ = false;         // numbers of different builds may differ by themselves
};

struct CompareOptions {
    SeriesAxis axis = SeriesAxis::Step;
    size_t columns = 1000;
};

/// `runs`: ids, beginnings of ids or names.
Result<Comparison> compare_runs(const RunQuery& query, const std::vector<std::string>& runs,
                                const CompareOptions& options = {});

}  // namespace dayrun::core
