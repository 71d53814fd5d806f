// Which parts of one growing stretch of addresses are given out: best fit, neighbours joined. Only
// numbers, so that it is tested without a device; the memory behind the offsets is the caller's.
// Neighbour: cuda/cuda_arena.h puts pages behind the offsets. Lives on the run thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace dayrun::engine {

class BlockList {
  public:
    /// Offsets and sizes are multiples of `step`, and nothing is given out beyond `limit`.
    BlockList(int64_t step, int64_t limit) : m_step(step), m_limit(limit / step * step) {}

    /// The offset of a block of at least `bytes` > 0; empty when no gap below the limit holds it.
    /// The smallest gap that fits is taken, of equal ones the lowest: a run repeats its addresses.
    std::optional<int64_t> take(int64_t bytes);
    void give_back(int64_t offset);

    /// Bytes given out, and the end of the highest block since the last block was given back.
    int64_t held() const { return m_held; }
    int64_t top() const { return m_top; }
    /// The largest block that take() would find now.
    int64_t largest() const;

  private:
    void add_gap(int64_t begin, int64_t size);
    void remove_gap(int64_t begin, int64_t size);

    int64_t m_step;
    int64_t m_limit;
    int64_t m_top = 0;
    int64_t m_held = 0;
    std::map<int64_t, int64_t> m_blocks;                   // offset -> size
    std::map<int64_t, int64_t> m_gaps;                     // offset -> size, below m_top
    std::set<std::pair<int64_t, int64_t>> m_gaps_by_size;  // size, offset
};

}  // namespace dayrun::engine
