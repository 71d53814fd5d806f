// The pre-flight sheet as text for a person or JSON for a machine.
#pragma once

#include <string>

#include "core/plan/preflight.h"

namespace dayrun::app {

void print_plan(const std::string& name, const core::PlanSheet& sheet, bool json);

}  // namespace dayrun::app
