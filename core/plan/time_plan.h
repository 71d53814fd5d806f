// How long a run will take: from a measured speed, or honestly unknown. Neighbour: preflight.h
// compares it with the budget. Plain values: any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/recipe/recipe.h"

namespace dayrun::core {

/// What the data compiler counted, as far as the time depends on it.
struct WorkAmount {
    std::function<int64_t(int64_t epoch)> micro_batches_in_epoch;  // each epoch packs anew
    int64_t tokens_per_epoch = 0;                                  // real tokens through the model
    int64_t eval_tokens = 0;                                       // of one validation
};

struct TimePlan {
    int64_t steps_per_epoch = 0;  // of the first
    int64_t total_steps = 0;
    int64_t train_tokens = 0;       // of the whole run
    int64_t eval_count = 0;         // validations of the whole run (by epoch and by steps)
    std::optional<double> train_s;  // empty: unknown until measured
    std::optional<double> eval_s;
    std::optional<double> total_s;
    std::string basis;  // "1,510 tokens/s measured in run 7f3a" or "unknown until measured"
};

TimePlan plan_time(const Recipe& recipe, const WorkAmount& work,
                   std::optional<double> tokens_per_second, const std::string& basis);

}  // namespace dayrun::core
