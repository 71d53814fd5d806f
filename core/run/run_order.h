// What is to be run, and what became of it. Values; any thread. Neighbours: run_session.h takes one
// and gives the other; queue, report, thread and window hand them on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/engine/engine.h"
#include "core/events/run_event.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

/// What is to be run. A run builds its state from this value only, so no run can poison the next.
struct RunOrder {
    Recipe recipe;
    std::string run_id = {};  // empty: new_run_id()
    std::string parent_run_id = {};
    /// Goes on with the run of this id from its newest resume point, or from its beginning when it
    /// has none. The recipe is the run's own.
    bool resumes = false;
    Device device = {};
    std::string build_id = {};     // of this Dayrun, kept with the run
    std::string device_name = {};  // "CPU, 2 threads", as shown
};

struct RunOutcome {
    std::string run_id;
    RunState state = RunState::Failed;  // Finished, Parked, Stopped or Failed
    std::optional<Error> error;         // of a failed run
    int64_t steps = 0;                  // optimizer steps done
    double best_eval_loss = 0;          // NaN when nothing was validated
    int64_t best_step = 0;
    std::string adapter;  // relative to the project folder, empty when none was saved
};

}  // namespace dayrun::core
