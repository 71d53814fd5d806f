// Learning rate by step: multipliers of optimizer.learning_rate (facts: the field's usual formulas,
// warm-up from zero). Neighbour: run_session.cpp asks once a step. Any thread.
#pragma once

#include <cstdint>
#include <functional>

#include "core/recipe/recipe.h"

namespace dayrun::core {

class LrSchedule {
  public:
    /// `total_steps` S: the steps of the whole run.
    LrSchedule(const ScheduleSpec& spec, int64_t total_steps);

    /// Multiplier after `done` steps: step k (from 1) uses multiplier(k - 1).
    double multiplier(int64_t done) const;

  private:
    ScheduleSpec m_spec;
    int64_t m_total_steps;
};

/// U = ceil(micro_batches / accumulation), at least 1: the last group of an epoch may be partial.
int64_t steps_per_epoch(int64_t micro_batches, int64_t gradient_accumulation_steps);
/// S = ceil(epochs * U), cut at batch.max_steps. Packed rows differ from epoch to epoch, so U is
/// asked for each of them.
int64_t total_steps(const BatchSpec& batch,
                    const std::function<int64_t(int64_t epoch)>& micro_batches_in_epoch);

}  // namespace dayrun::core
