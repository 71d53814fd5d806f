// The pre-flight sheet: one list of checks with counts and offenders, the memory parts and the
// time. Red blocks a start, amber asks to be read. `dayrun plan`, the Plan stage and RunSession
// show the same sheet. Any thread; compiling the data may take long and obeys the stop token.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/plan/memory/memory_estimate.h"
#include "core/plan/preflight_check.h"
#include "core/plan/time_plan.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

struct PlanOptions {
    std::filesystem::path cache_folder = {};    // token caches; empty: data is not compiled
    std::filesystem::path project_folder = {};  // where the run will be written, for the disk check
    std::optional<int64_t> device_memory_bytes = {};  // of a card; empty: this machine's CPU
    int threads = 1;                                  // that the run will use
    std::optional<double> tokens_per_second = {};     // measured before, see RunQuery
    std::string speed_basis = {};                     // where that figure comes from
    std::stop_token stop = {};
};

struct PlanSheet {
    std::optional<MemoryEstimate> memory;  // empty when config.json cannot be read
    std::optional<int64_t> memory_limit_bytes;
    std::optional<TimePlan> time;       // empty without data
    std::optional<int64_t> disk_bytes;  // the run will write
    std::optional<int64_t> disk_free_bytes;
    std::vector<PreflightCheck> checks;
    std::vector<std::string> missing;  // what the rest of the sheet needs, one sentence each

    bool can_start() const;  // no red check
};

/// Never fails for want of data or base: what is missing is listed instead. Fails on Cancelled.
Result<PlanSheet> make_plan(const Recipe& recipe, const PlanOptions& options);

}  // namespace dayrun::core
