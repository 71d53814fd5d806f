// How an optimizer's states reach the place where its step runs. In place: they lie there. A
// device's pager keeps them in page-locked host memory and moves them in pieces through a few
// slots, the next piece coming while the last one goes back (`paged_adamw_32bit`; Dettmers et al.
// 2023). On a CPU there is nowhere to page to, so the arithmetic is all there is.
// Neighbour: adamw.cpp walks the pieces. Lives on the run thread; torch-free.
#pragma once

#include <cstdint>
#include <memory>

#include "core/engine/buffer.h"

namespace dayrun::engine {

/// A stretch of both moments, where the host keeps them.
struct StatePiece {
    float* m = nullptr;
    float* v = nullptr;
    int64_t count = 0;
};

class StatePager {
  public:
    virtual ~StatePager() = default;

    /// Memory for states that all pieces together fill; zero.
    virtual Buffer make_states(int64_t bytes) = 0;
    /// Most elements that one piece may have; 0 means no limit.
    virtual int64_t piece_limit() const = 0;

    /// Starts bringing the piece of this index. At most one more is asked for than is in use.
    virtual void prefetch(size_t index, const StatePiece& piece) = 0;
    /// Where the piece lies for the kernel, once it has come.
    virtual StatePiece fetched(size_t index, const StatePiece& piece) = 0;
    /// The kernel was given the piece: it goes back when the kernel is done.
    virtual void finish(size_t index, const StatePiece& piece) = 0;
    /// Returns when every piece is back in host memory: before states are read or written there.
    virtual void settle() = 0;
};

/// States in the thread's arena, used where they lie.
std::unique_ptr<StatePager> in_place_pager();

}  // namespace dayrun::engine
