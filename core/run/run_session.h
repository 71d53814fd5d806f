// One training run from recipe to adapter: THE WALK (prepare, rehearse, train, evaluate, save,
// finish). The window and --batch call the same RunSession; only the listener differs.
// Lives on the run thread: the engine is made, used and destroyed inside run().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"
#include "core/events/run_control.h"
#include "core/events/run_event.h"
#include "core/recipe/recipe.h"
#include "core/records/project.h"

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

/// The recipe as the run owns it: paths are absolute, so that they no longer depend on where the
/// file lay, and it has a name.
Recipe frozen_recipe(const Recipe& recipe, const std::string& run_id);

/// Eight random hex digits.
std::string new_run_id();

class RunSession {
  public:
    /// All of them outlive the session. `listener` is called on the thread that calls run().
    RunSession(Project& project, const EngineFactory& make_engine, RunControl& control,
               RunListener& listener);

    /// Runs to the end. Never throws; a failure is told by the events, the records and the outcome.
    RunOutcome run(const RunOrder& order);

  private:
    Project& m_project;
    const EngineFactory& m_make_engine;
    RunControl& m_control;
    RunListener& m_listener;
};

}  // namespace dayrun::core
