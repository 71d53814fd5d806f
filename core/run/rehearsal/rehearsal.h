// The dress rehearsal: before the first step the largest micro-batch goes through all that a run
// does with it, under the activation plan that fits the budget. What it measures is told beside
// what was estimated, and is the only thing that may refuse a run for its memory or disk
// (promises.md rows 11, 12, 17 and 28). Changes no result.
// Lives on the run thread. Neighbours: active_run.cpp calls it, core/plan/memory estimates.
#pragma once

#include <filesystem>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/engine/engine.h"
#include "core/plan/memory/memory_estimate.h"
#include "core/run/progress/run_reporter.h"

namespace dayrun::core {

struct RehearsalOrder {
    const Recipe& recipe;
    const CompiledData& data;
    Engine& engine;
    RunReporter& reporter;
    std::filesystem::path folder;  // where the run writes
    int64_t total_steps = 0;
    Device device;
};

/// OutOfHostMemory, OutOfGpuMemory or DiskFull, in a sentence with the figures, when the run does
/// not fit.
Result<void> rehearse_run(const RehearsalOrder& order);

/// The estimated parts beside the measured ones: "weights 1.2 MiB of 1.2 MiB, …", those of a
/// mebibyte or more.
std::string compare_parts(const MemoryEstimate& estimate, const RehearsalFigures& figures);

}  // namespace dayrun::core
