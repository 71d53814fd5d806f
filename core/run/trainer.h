// The loop over optimizer steps: all micro-batches of a step, forward and backward of each, one
// update, and what is due after it. Lives on the run thread. Neighbours: validation.h,
// active_run.h.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/compile/packing/batch_stream.h"
#include "core/plan/schedule/eval_moments.h"
#include "core/plan/schedule/lr_schedule.h"
#include "core/run/validation.h"

namespace dayrun::core {

class Trainer {
  public:
    Trainer(const RunParts& parts, BatchStream& stream, Validation& validation);

    /// Trains from the progress' step on until the planned steps are done and validated, a request
    /// ends it, or something fails. A stopped or parked run leaves a resume point behind.
    Result<TrainEnd> run();

  private:
    /// The micro-batches of one optimizer step.
    struct Group {
        std::vector<StreamedBatch> batches;
        int64_t tokens = 0;
        int64_t target_tokens = 0;
        int64_t slot_tokens = 0;
        int64_t trained_batches = 0;  // those with a target
    };

    /// A step that was started and is told once the device has done it.
    struct Started {
        Group group;
        double learning_rate = 0;
        double data_wait_ms = 0;
    };

    Result<TrainEnd> train();
    Result<Group> next_group();
    /// The answer to a request that came in; empty when there is none.
    std::optional<TrainEnd> requested_end();
    double loss_divisor(const Group& group, const PackedBatch& batch) const;
    Result<std::optional<TrainEnd>> accumulate(const Group& group);
    Result<void> accumulate_all(const Group& group, std::optional<TrainEnd>& end);
    Result<void> start(Group group, double learning_rate, double data_wait_ms);
    /// Whether what comes after the last started step needs its outcome: a validation, a
    /// checkpoint, a request, the end.
    bool must_settle() const;
    /// Tells started steps until `behind` of them are left.
    Result<void> settle(int64_t behind);
    int64_t started_steps() const;
    /// What the card does, at the first step and then once a minute, in the events and records.
    void tell_card();
    void tell(const Group& group, const StepOutcome& outcome, double learning_rate, double step_ms,
              double data_wait_ms);
    Result<void> check_finite(const Group& group, const StepOutcome& outcome);
    Result<std::optional<TrainEnd>> after_step();
    double since_eval_s() const;
    Result<void> save_resume_point();
    bool is_checkpoint_due() const;
    bool is_budget_spent() const;

    RunParts m_parts;
    BatchStream& m_stream;
    Validation& m_validation;
    LrSchedule m_schedule;
    EvalMoments m_moments;
    Stopwatch m_since_eval;         // since the last validation, or the session's start
    double m_earlier_since_eval_s;  // the same of the sessions before
    Stopwatch m_since_checkpoint;
    int64_t m_saved_step = -1;  // of the last resume point
    std::deque<Started> m_started;
    std::optional<Stopwatch> m_since_card;  // since the card was last asked
    Stopwatch m_since_told;                 // since the last step was told, or the first one began
};

}  // namespace dayrun::core
