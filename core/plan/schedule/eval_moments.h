// When a run validates: at an epoch's end, every n steps, every n minutes, or several of them.
// Lives on the run thread. Neighbour: trainer.cpp asks after every step.
#pragma once

#include <cstdint>
#include <vector>

#include "core/recipe/recipe.h"

namespace dayrun::core {

class EvalMoments {
  public:
    explicit EvalMoments(std::vector<EvalEvery> every) : m_every(std::move(every)) {}

    /// Whether a validation is due after `step`, `minutes` after the last one (or the start).
    bool is_due(int64_t step, bool is_end_of_epoch, double minutes) const;
    /// Validations still to come by epochs and steps, the one at the end included.
    int64_t remaining(int64_t step, int64_t total_steps, double epoch, double epochs) const;

  private:
    std::vector<EvalEvery> m_every;
};

}  // namespace dayrun::core
