// What a run tells the world. The same values go to SQLite, to --batch as JSON lines and to the
// window; field names are the key and column names (contracts.md section 3). Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"

namespace dayrun::core {

enum class RunState {
    Draft,
    Queued,
    Preparing,
    Training,
    Evaluating,
    Parked,
    Finishing,
    Finished,
    Stopped,
    Failed
};
std::string_view to_string(RunState state);
/// The state of a word written by to_string; Failed for an unknown word.
RunState run_state_from(std::string_view word);

/// One optimizer step; trivially copyable so that it travels through a lock-free ring.
struct StepMetrics {
    int64_t step = 0;           // from 1
    double epoch = 0;           // share of the data seen after this step, 1.0 = once
    double loss = 0;            // mean over the step's supervised tokens, nats
    double loss_z = 0;          // deviation from the recent mean, in standard deviations
    double grad_norm = 0;       // before clipping
    double learning_rate = 0;   // used in this step
    int64_t target_tokens = 0;  // supervised tokens of the step
    int64_t slot_tokens = 0;
    double tokens_per_second = 0;  // real tokens, never padding
    double step_ms = 0;
    double data_wait_ms = 0;
    int64_t device_bytes_peak = 0;  // host memory of the process on a CPU
    double wall_s = 0;              // since the run's start, pauses included
    double device_s = 0;            // time in training and evaluation only
    double eta_s = 0;               // until the run is finished
    bool skipped = false;           // a non-finite loss or norm: the step was not applied
};

struct StateChanged {
    RunState state = RunState::Draft;
};

struct EvalMetrics {
    int64_t step = 0;
    double epoch = 0;
    std::string source_id;  // a source's name, or "all"
    double loss = 0;        // nats per supervised token
    int64_t target_tokens = 0;
    double duration_ms = 0;
};

struct CheckpointSaved {
    int64_t step = 0;
    std::string path;  // relative to the project folder
    int64_t bytes = 0;
    std::string kind;  // "best", "last" or "resume"
};

struct SampleGenerated {
    int64_t step = 0;
    std::string prompt;
    std::string text;
};

/// Test rows of a source answered word for word, greedily: before the run and after it.
struct ExactMatchMeasured {
    int64_t step = 0;  // 0: the model before the run
    std::string source_id;
    int64_t rows = 0;
    int64_t matches = 0;
};

struct LogLine {
    std::string level;  // debug, info, warning, error
    std::string message;
};

struct RunFinished {
    RunState state = RunState::Finished;
    double best_eval_loss = 0;  // NaN when nothing was validated
    int64_t best_step = 0;
    std::string adapter;  // relative to the project folder, empty when none was saved
    std::vector<std::pair<std::string, std::string>> exports;  // format -> relative path
};

struct RunFailed {
    Error error;
};

using RunEventBody =
    std::variant<StateChanged, StepMetrics, EvalMetrics, CheckpointSaved, SampleGenerated,
                 ExactMatchMeasured, LogLine, RunFinished, RunFailed>;

struct RunEvent {
    std::string run_id;
    double at = 0;  // unix seconds
    RunEventBody body;
};

/// Where a run's events go. Called on the run thread, in order; must not block for long.
class RunListener {
  public:
    virtual ~RunListener() = default;
    virtual void on_event(const RunEvent& event) = 0;
};

}  // namespace dayrun::core
