// report.md: what a person wants to know of a run afterwards, from the records' own figures.
// Plain functions: any thread. Neighbour: active_run.cpp writes it at the end.
#pragma once

#include <optional>
#include <string>

#include "core/compile/cache/compiled_data.h"
#include "core/engine/engine.h"
#include "core/recipe/recipe.h"
#include "core/run/progress/progress.h"
#include "core/run/run_order.h"

namespace dayrun::core {

struct ReportInput {
    const Recipe& recipe;
    const RunOutcome& outcome;
    const RunProgress& progress;
    const CompiledData* data = nullptr;    // null when the run ended before
    const PreparedModel* model = nullptr;  // null when the run ended before
    int64_t peak_bytes = 0;
    std::string device_name;
    std::string build_id;
};

std::string run_report(const ReportInput& input);

}  // namespace dayrun::core
