// Optimizer states in page-locked host memory, moved through slots on the device in pieces: while
// the kernel works on one piece, the next one comes and the last one goes back, each on a stream of
// its own. Neighbours: optimizer/state_pager.h is the interface, adamw.cpp walks the pieces.
// Lives on the run thread.
#pragma once

#include <cuda_runtime.h>

#include <array>

#include "core/engine/cuda/cuda_arena.h"
#include "core/engine/optimizer/state_pager.h"

namespace dayrun::engine {

class CudaPager : public StatePager {
  public:
    CudaPager(Arena& device, PinnedArena& pinned, cudaStream_t work);
    ~CudaPager() override;

    Buffer make_states(int64_t bytes) override;
    int64_t piece_limit() const override;
    void prefetch(size_t index, const StatePiece& piece) override;
    StatePiece fetched(size_t index, const StatePiece& piece) override;
    void finish(size_t index, const StatePiece& piece) override;
    void settle() override;

  private:
    // One in use, one coming, one going back.
    static constexpr size_t kSlots = 3;
    struct Slot {
        Buffer m, v;
        cudaEvent_t arrived = nullptr;
        cudaEvent_t used = nullptr;
        cudaEvent_t returned = nullptr;
    };
    Slot& slot_of(size_t index) { return m_slots[index % kSlots]; }

    PinnedArena& m_pinned;
    cudaStream_t m_work;
    cudaStream_t m_coming = nullptr;
    cudaStream_t m_going = nullptr;
    std::array<Slot, kSlots> m_slots;
};

}  // namespace dayrun::engine
