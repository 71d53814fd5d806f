// Steps, tokens and, where a speed is known, seconds. Neighbour: preflight.cpp.
#include "core/plan/time_plan.h"

#include <algorithm>
#include <cmath>

#include "core/plan/schedule/eval_moments.h"
#include "core/plan/schedule/lr_schedule.h"

namespace dayrun::core {

namespace {

// A validation only goes forward, which is about a third of a training step's work.
constexpr double kForwardShare = 1.0 / 3.0;

}  // namespace

TimePlan plan_time(const Recipe& recipe, const WorkAmount& work,
                   std::optional<double> tokens_per_second, const std::string& basis) {
    TimePlan plan;
    plan.steps_per_epoch =
        steps_per_epoch(work.micro_batches_in_epoch(0), recipe.batch.gradient_accumulation_steps);
    plan.total_steps = total_steps(recipe.batch, work.micro_batches_in_epoch);
    // Epochs differ by a step or two, so that steps tell how many there are only where they are
    // cut.
    const double epochs =
        recipe.batch.max_steps
            ? std::min(recipe.batch.epochs, static_cast<double>(plan.total_steps) /
                                                static_cast<double>(plan.steps_per_epoch))
            : recipe.batch.epochs;
    plan.train_tokens = std::llround(epochs * static_cast<double>(work.tokens_per_epoch));
    plan.eval_count = work.eval_tokens > 0
                          ? EvalMoments(recipe.eval.every).remaining(0, plan.total_steps, 0, epochs)
                          : 0;
    if (!tokens_per_second || *tokens_per_second <= 0) {
        plan.basis = "unknown until measured: the first run on this base measures it";
        return plan;
    }
    plan.train_s = static_cast<double>(plan.train_tokens) / *tokens_per_second;
    plan.eval_s = kForwardShare * static_cast<double>(plan.eval_count * work.eval_tokens) /
                  *tokens_per_second;
    plan.total_s = *plan.train_s + *plan.eval_s;
    plan.basis = basis;
    return plan;
}

}  // namespace dayrun::core
