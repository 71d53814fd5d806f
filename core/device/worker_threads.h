// Over how many threads work on this machine is divided: what --threads says, else every processor.
// Neighbours: compile, data and export divide their rows by it, app sets it. Any thread.
#pragma once

namespace dayrun::core {

/// Processors of this machine, at least 1.
int processor_count();

/// Of the whole process, once, before work begins; 0 is every processor.
void set_worker_threads(int count);
int worker_threads();

}  // namespace dayrun::core
