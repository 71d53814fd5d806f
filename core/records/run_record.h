// What a project remembers of a run: one row of the table `run`. Neighbours: run_store.h writes it,
// run_query.h reads it. Plain values: any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/events/run_event.h"

namespace dayrun::core {

struct RunRecord {
    std::string run_id;         // short random hex
    std::string parent_run_id;  // empty: not made from another run
    std::string name;
    RunState state = RunState::Queued;
    bool interrupted = false;  // the process ended before the run did; nothing saved was lost
    std::string recipe_yaml;   // frozen, with absolute paths
    std::string recipe_sha256;
    std::string data_sha256;
    std::string build_id;
    std::string device_name;
    double started_at = 0;   // unix seconds
    double finished_at = 0;  // 0: still running
    double best_eval_loss = std::numeric_limits<double>::quiet_NaN();
    int64_t best_step = 0;
    std::string adapter;      // relative to the project folder; empty until one is saved
    std::string error;        // the sentence of a failed run
    int64_t total_steps = 0;  // planned
    int64_t last_step = 0;    // recorded so far
    double last_loss = std::numeric_limits<double>::quiet_NaN();
    double wall_s = 0;  // at the last recorded step
};

/// Key and value of every setting of a run, as setting_value writes them.
using RunSettings = std::vector<std::pair<std::string, std::string>>;

}  // namespace dayrun::core
