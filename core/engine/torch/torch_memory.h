// libtorch's CPU allocator, replaced by one that counts in the program's ledger: tensors of its own
// and the scratch that its oneDNN asks it for. Neighbours: torch_plugin.h, memory/arena.h.
// Any thread; no torch here.
#pragma once

#include <cstdint>

#include "core/engine/device/torch_plugin.h"

namespace dayrun::engine {

/// Makes libtorch ask the counting allocator from here on; calling it again changes nothing.
void count_torch_allocations(const TorchHost& host);

/// A block as libtorch gets and returns it; null when there is none.
void* torch_allocate(int64_t bytes);
void torch_release(void* data);

}  // namespace dayrun::engine
