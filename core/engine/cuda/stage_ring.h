// The small arrays of the micro-batches at hand: page-locked memory, its copy on the device, and a
// stream of their own, so that the next micro-batch lies on the device before the last one is done.
// A slot is used again kStageSlots micro-batches later, which is also how far the host may run
// ahead of the device. Neighbour: cuda_accelerator.h. Lives on the run thread.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <vector>

#include "core/engine/cuda/cuda_arena.h"
#include "core/engine/device/accelerator.h"

namespace dayrun::engine {

class StageRing {
  public:
    StageRing(Arena& device, PinnedArena& pinned, cudaStream_t work);
    ~StageRing();
    StageRing(const StageRing&) = delete;
    StageRing& operator=(const StageRing&) = delete;

    const int32_t* stage(const int32_t* values, int64_t count);
    void next();

  private:
    struct Chunk {
        Buffer host, device;
        int64_t used = 0;
    };
    struct Slot {
        std::vector<Chunk> chunks;
        cudaEvent_t read = nullptr;  // the work that reads the slot is done
        bool is_waited = true;
    };
    Chunk& chunk_for(int64_t bytes);
    Chunk make_chunk(int64_t bytes);

    Arena& m_device;
    PinnedArena& m_pinned;
    cudaStream_t m_work;
    cudaStream_t m_copies = nullptr;
    cudaEvent_t m_copied = nullptr;
    std::array<Slot, kStageSlots> m_slots;
    size_t m_at = 0;
};

}  // namespace dayrun::engine
