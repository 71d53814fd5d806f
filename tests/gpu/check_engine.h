// The engine on a GPU against itself on the CPU, and against itself. Neighbour: gpu_check.cpp.
#pragma once

#include "tests/gpu/gpu_checks.h"

namespace dayrun::tests {

/// Agreement over 50 steps, bit-equal reruns, continuing, memory given back 50 times.
void check_engine(Checks& checks, const GpuArguments& arguments);

}  // namespace dayrun::tests
