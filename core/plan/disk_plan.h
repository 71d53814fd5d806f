// Bytes that a run writes: its adapters and resume points, under the rule of what is kept.
// Neighbours: preflight.h shows them, core/run/rehearsal holds them against the budget.
// Plain values: any thread.
#pragma once

#include <cstdint>

namespace dayrun::core {

/// Of one adapter folder, and of one state beside it.
struct CheckpointBytes {
    int64_t adapter = 0;
    int64_t state = 0;
};

/// At most at one moment: the best, the last and the published adapter; `keep` resume points, each
/// with the adapter, the state and the best adapter of its moment; and one more of those, since a
/// new one is written before an old one goes.
int64_t run_disk_bytes(const CheckpointBytes& checkpoint, int64_t keep);

}  // namespace dayrun::core
