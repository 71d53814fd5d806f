// Opens libtorch for the CPU, once a process, when the first engine is made: what only reads,
// plans, compares or draws never pays for it. Neighbours: torch_plugin.h is the table,
// engine_factory.h asks. Any thread; torch-free.
#pragma once

#include "core/base/result.h"
#include "core/engine/device/torch_plugin.h"

namespace dayrun::engine {

/// Opens libdayrun_torch.so, which stays open: torch() is valid from here on. NoLibtorch with what
/// is missing.
core::Result<void> open_torch();

/// The opened table.
const TorchTable& torch();

/// A product by oneDNN: `out` and both operands of one type, and the rows of `a` end to end. Throws
/// OverBudget, std::bad_alloc or ComputationFailed.
void multiply_by_onednn(const Product& product);

}  // namespace dayrun::engine
