// One training run from recipe to adapter: THE WALK (prepare, rehearse, train, evaluate, save,
// finish). The window and --batch call the same RunSession; only the listener differs.
// Lives on the run thread: the engine is made, used and destroyed inside run().
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/engine/engine.h"
#include "core/events/run_control.h"
#include "core/events/run_event.h"
#include "core/recipe/recipe.h"
#include "core/records/project.h"
#include "core/run/run_order.h"

namespace dayrun::core {

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
