// Ctrl-C: once asks the run to stop at a checkpoint, twice ends the process at once. Files are
// written atomically and SQLite is in WAL mode, so nothing already saved is damaged.
#pragma once

#include "core/events/run_control.h"

namespace dayrun::app {

/// While this lives, SIGINT, SIGTERM and SIGHUP (the terminal was closed) become requests to
/// `control`, and a reader of our output that went away ends nothing: the records have all of it.
/// One at a time.
class InterruptGuard {
  public:
    explicit InterruptGuard(core::RunControl& control);
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
};

}  // namespace dayrun::app
