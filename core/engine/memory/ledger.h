// Counts what an arena gave out, by part: held now and at most since the peaks were last reset.
// A limit turns the request that would pass it into OverBudget, before the memory is taken.
// Neighbour: arena.h. Any thread: the pool's workers allocate too.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <new>

#include "core/plan/memory/memory_part.h"

namespace dayrun::engine {

using core::MemoryPart;
using core::to_string;

/// Thrown instead of passing the limit; guard.h turns it into an Error.
class OverBudget : public std::bad_alloc {
  public:
    OverBudget(int64_t needed, int64_t limit) : needed_bytes(needed), limit_bytes(limit) {}
    const char* what() const noexcept override { return "the memory budget is spent"; }
    int64_t needed_bytes;
    int64_t limit_bytes;
};

class MemoryLedger {
  public:
    void add(MemoryPart part, int64_t bytes);
    void remove(MemoryPart part, int64_t bytes);

    int64_t held(MemoryPart part) const { return counter(part).held; }
    int64_t peak(MemoryPart part) const { return counter(part).peak; }
    /// Of all parts together at one moment, which is at most the sum of the parts' peaks.
    int64_t total_held() const { return m_total.held; }
    int64_t total_peak() const { return m_total.peak; }
    /// From here on peaks count anew, beginning with what is held.
    void reset_peaks();

    /// 0 means no limit.
    void set_limit(int64_t bytes) { m_limit = bytes; }

  private:
    struct Counter {
        std::atomic<int64_t> held{0};
        std::atomic<int64_t> peak{0};
        int64_t add(int64_t bytes);
    };
    const Counter& counter(MemoryPart part) const { return m_parts[static_cast<size_t>(part)]; }

    std::array<Counter, static_cast<size_t>(MemoryPart::Count)> m_parts;
    Counter m_total;
    std::atomic<int64_t> m_limit{0};
};

}  // namespace dayrun::engine
