// Words for the states of a run. Neighbour: event_json.cpp prints events. Any thread.
#include "core/events/run_event.h"

#include <array>

namespace dayrun::core {

namespace {

constexpr std::array<std::string_view, 10> kStateNames = {
    "Draft",  "Queued",    "Preparing", "Training", "Evaluating",
    "Parked", "Finishing", "Finished",  "Stopped",  "Failed"};

}  // namespace

std::string_view to_string(RunState state) {
    return kStateNames[static_cast<size_t>(state)];
}

RunState run_state_from(std::string_view word) {
    for (size_t i = 0; i < kStateNames.size(); ++i) {
        if (kStateNames[i] == word) return static_cast<RunState>(i);
    }
    return RunState::Failed;
}

}  // namespace dayrun::core
