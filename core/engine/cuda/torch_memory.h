// libtorch's device memory comes from a run's arena: what its attention asks for is counted with
// everything else, stays below the same limit, and leaves no second cache beside the arena.
// libtorch says for which stream it asks, and an accelerator has one for all its work: that chooses
// the arena, and a block that was given back may be used again at once. Neighbours:
// cuda_attention.h asks libtorch, cuda_arena.h gives. Lives on the run thread.
#pragma once

#include <cuda_runtime.h>

#include "core/engine/memory/arena.h"

namespace dayrun::engine {

/// While it lives, libtorch's blocks for `stream` come from `arena`, counted as working memory.
/// Blocks that libtorch keeps over calls (workspaces of its products) go back at its end.
class TorchMemory {
  public:
    /// Throws c10::Error when libtorch has given out device memory before the first of these.
    TorchMemory(Arena& arena, cudaStream_t stream);
    ~TorchMemory();
    TorchMemory(const TorchMemory&) = delete;
    TorchMemory& operator=(const TorchMemory&) = delete;

  private:
    cudaStream_t m_stream;
};

}  // namespace dayrun::engine
