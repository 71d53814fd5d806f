// Counting by part. Neighbour: ledger.h.
#include "core/engine/memory/ledger.h"

namespace dayrun::engine {

int64_t MemoryLedger::Counter::add(int64_t bytes) {
    const int64_t now = held.fetch_add(bytes) + bytes;
    int64_t highest = peak;
    while (now > highest && !peak.compare_exchange_weak(highest, now)) {
    }
    return now;
}

void MemoryLedger::add(MemoryPart part, int64_t bytes) {
    const int64_t limit = m_limit;
    const int64_t needed = m_total.held + bytes;
    if (limit > 0 && needed > limit) throw OverBudget(needed, limit);
    m_parts[static_cast<size_t>(part)].add(bytes);
    m_total.add(bytes);
}

void MemoryLedger::remove(MemoryPart part, int64_t bytes) {
    m_parts[static_cast<size_t>(part)].held -= bytes;
    m_total.held -= bytes;
}

void MemoryLedger::reset_peaks() {
    for (Counter& part : m_parts) part.peak = part.held.load();
    m_total.peak = m_total.held.load();
}

}  // namespace dayrun::engine
