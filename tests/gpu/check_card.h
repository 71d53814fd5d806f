// What a run makes of the card itself: its limit of memory, and what its driver tells.
// Neighbour: gpu_check.cpp.
#pragma once

#include "tests/gpu/gpu_checks.h"

namespace dayrun::tests {

/// A step that does not fit under budget.max_device_bytes goes on with a leaner plan and the same
/// bits; NVML tells the figures that events and `dayrun doctor` show.
void check_card(Checks& checks, const GpuArguments& arguments);

}  // namespace dayrun::tests
