// How far a run is: what the trainer counts, the validation keeps and a checkpoint remembers.
// Plain values, owned by ActiveRun. Lives on the run thread.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/run/events/run_pace.h"

namespace dayrun::core {

/// Why training ended.
enum class TrainEnd { Completed, FinishNow, Stopped, Discarded };

struct RunProgress {
    int64_t step = 0;              // optimizer steps done, skipped ones included
    int64_t total_steps = 0;       // planned
    double epoch = 0;              // share of the data seen
    uint64_t stream_position = 0;  // micro-batches consumed by the steps done
    double best_eval_loss = std::numeric_limits<double>::quiet_NaN();
    int64_t best_step = 0;
    int64_t last_eval_step = -1;  // -1: none yet
    double first_loss = std::numeric_limits<double>::quiet_NaN();
    double last_loss = std::numeric_limits<double>::quiet_NaN();
    std::vector<int64_t> source_target_tokens;  // trained tokens so far, one a data source
    Stopwatch wall;                             // since the run's start
    RunPace pace;
};

/// The progress as a resume point's progress.json keeps it.
std::string progress_json(const RunProgress& progress);

}  // namespace dayrun::core
