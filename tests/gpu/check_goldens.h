// The engine on a GPU against transformers and PEFT: the figures that tests/engine/test_goldens.cpp
// holds the CPU against. Neighbour: gpu_check.cpp.
#pragma once

#include "tests/gpu/gpu_checks.h"

namespace dayrun::tests {

/// Logits, log-probabilities, LoRA gradients, a run and a greedy continuation of every family whose
/// figures are here (../shared, or where DAYRUN_SHARED says); skipped without them.
void check_goldens(Checks& checks, const GpuArguments& arguments);

}  // namespace dayrun::tests
