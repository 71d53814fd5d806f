// What a run takes over from the adapter that it starts from, against what its recipe says.
// Neighbour: preflight.h shows it, core/run tells it as a warning. Any thread.
#pragma once

#include <optional>

#include "core/plan/preflight_check.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

/// Empty without adapter.init_from, or when its config cannot be read (opening the adapter tells
/// why). Amber lists the settings of the recipe that are not used because the adapter's differ.
std::optional<PreflightCheck> check_start_adapter(const Recipe& recipe);

}  // namespace dayrun::core
