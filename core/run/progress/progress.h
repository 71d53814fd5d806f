// How far a run is: what the trainer counts, the validation keeps and a resume point remembers.
// Plain values, owned by ActiveRun. Lives on the run thread. Neighbour: resume/resume_point.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/events/run_control.h"
#include "core/events/run_event.h"
#include "core/run/outlier_detector.h"
#include "core/run/progress/run_pace.h"

namespace dayrun::core {

/// Why training ended.
enum class TrainEnd { Completed, FinishNow, Parked, Stopped, Discarded };

/// How a run ends that was asked to: Completed when nothing was asked.
inline TrainEnd end_of(RunRequest request) {
    switch (request) {
        case RunRequest::None:
            break;
        case RunRequest::Park:
            return TrainEnd::Parked;
        case RunRequest::FinishNow:
            return TrainEnd::FinishNow;
        case RunRequest::StopAtCheckpoint:
            return TrainEnd::Stopped;
        case RunRequest::Discard:
            return TrainEnd::Discarded;
    }
    return TrainEnd::Completed;
}

/// The run's time over all its sessions: a run that is continued goes on where its clock stood.
struct RunClock {
    Stopwatch session;        // since this process started or continued the run
    double earlier_s = 0;     // of the sessions before
    double paused_s = 0;      // between them, and what a crash lost
    double since_eval_s = 0;  // at the last session's end: time since the last validation

    double running_s() const { return earlier_s + session.elapsed_s(); }
    /// Since the run's start, pauses included.
    double wall_s() const { return running_s() + paused_s; }
};

struct RunProgress {
    int64_t step = 0;              // optimizer steps done, skipped ones included
    int64_t total_steps = 0;       // planned
    double epoch = 0;              // share of the data seen
    uint64_t stream_position = 0;  // micro-batches consumed by the steps done
    double best_eval_loss = std::numeric_limits<double>::quiet_NaN();
    int64_t best_step = 0;
    int64_t last_eval_step = -1;   // -1: none yet
    bool is_eval_pending = false;  // due after `step`, but a request ended it
    bool is_end_of_epoch = false;  // `step` was the last of its epoch
    int64_t skipped_in_a_row = 0;  // steps without an update, up to now
    double first_loss = std::numeric_limits<double>::quiet_NaN();
    double last_loss = std::numeric_limits<double>::quiet_NaN();
    std::vector<int64_t> source_target_tokens;  // trained tokens so far, one a data source
    std::vector<ExactMatchMeasured> exact_match;
    OutlierDetector outliers;
    RunClock clock;
    RunPace pace;
};

/// The progress as one JSON object: every number reads back to the same value.
std::string progress_json(const RunProgress& progress);
/// The same back; FileDamaged without a place, which the caller adds.
Result<RunProgress> parse_progress(std::string_view json);

}  // namespace dayrun::core
