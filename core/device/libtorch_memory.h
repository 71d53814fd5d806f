// What opening libtorch costs in memory, once a process: a part of every plan for the CPU, although
// what plans never opens it. Neighbours: core/engine/device/open_torch.h measures, core/plan
// counts. Any thread.
#pragma once

#include <cstdint>

namespace dayrun::core {

/// Said once, by who has opened it: by how much the process grew.
void set_libtorch_bytes(int64_t bytes);

/// What libtorch takes of this process's memory now: 0 before it is opened.
int64_t held_libtorch_bytes();

/// What it takes, or will take: measured where it is open, else what it was measured to take in
/// another.
int64_t planned_libtorch_bytes();

}  // namespace dayrun::core
