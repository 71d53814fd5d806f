// The pre-flight sheet as text for a person or JSON for a machine.
#pragma once

#include <string>
#include <vector>

#include "core/plan/preflight.h"

namespace dayrun::app {

struct NamedPlan {
    std::string name;
    core::PlanSheet sheet;
};

/// One plan is one JSON document, several are {"plans": [...]}.
void print_plans(const std::vector<NamedPlan>& plans, bool json);

}  // namespace dayrun::app
