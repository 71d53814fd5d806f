// libtorch's CPU allocator, replaced by one that counts: tensors of its own and the scratch that
// its oneDNN asks it for are counted as buffers. Neighbour: arena.h. Any thread; no torch here.
#pragma once

#include <cstdint>

namespace dayrun::engine {

/// Makes libtorch ask the counting allocator from here on; calling it again changes nothing.
void count_torch_allocations();

/// A block as libtorch gets and returns it, for tests.
void* torch_allocate(int64_t bytes);
void torch_release(void* data);

}  // namespace dayrun::engine
