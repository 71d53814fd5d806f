// The rule of what is kept, in bytes. Neighbour: disk_plan.h.
#include "core/plan/disk_plan.h"

namespace dayrun::core {

int64_t run_disk_bytes(const CheckpointBytes& checkpoint, int64_t keep) {
    return 3 * checkpoint.adapter + (keep + 1) * (2 * checkpoint.adapter + checkpoint.state);
}

}  // namespace dayrun::core
