// The formulas of the schedules. Neighbour: trainer.cpp asks once a step. Any thread.
#include "core/plan/schedule/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace dayrun::core {

LrSchedule::LrSchedule(const ScheduleSpec& spec, int64_t total_steps)
    : m_spec(spec), m_total_steps(total_steps) {}

double LrSchedule::multiplier(int64_t done) const {
    const auto step = static_cast<double>(done);
    const auto warmup = static_cast<double>(m_spec.warmup_steps);
    if (done < m_spec.warmup_steps) return step / std::max(1.0, warmup);

    const auto total = static_cast<double>(m_total_steps);
    const double span = std::max(1.0, total - warmup);
    double multiplier = 1.0;
    if (m_spec.kind == ScheduleKind::Linear) {
        multiplier = std::max(0.0, (total - step) / span);
    } else if (m_spec.kind == ScheduleKind::Cosine) {
        // Beyond the end the cosine would rise again.
        const double progress = std::min(1.0, (step - warmup) / span);
        multiplier = std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
    }
    return multiplier * (1.0 - m_spec.min_lr_ratio) + m_spec.min_lr_ratio;
}

int64_t steps_per_epoch(int64_t micro_batches, int64_t gradient_accumulation_steps) {
    const int64_t group = std::max<int64_t>(1, gradient_accumulation_steps);
    return std::max<int64_t>(1, (micro_batches + group - 1) / group);
}

int64_t total_steps(const BatchSpec& batch,
                    const std::function<int64_t(int64_t epoch)>& micro_batches_in_epoch) {
    const int64_t limit = batch.max_steps.value_or(std::numeric_limits<int64_t>::max());
    const auto whole_epochs = static_cast<int64_t>(std::floor(batch.epochs));
    int64_t steps = 0;
    for (int64_t epoch = 0; epoch < whole_epochs && steps < limit; ++epoch) {
        steps += steps_per_epoch(micro_batches_in_epoch(epoch), batch.gradient_accumulation_steps);
    }
    const double part = batch.epochs - static_cast<double>(whole_epochs);
    if (part > 0 && steps < limit) {
        const auto whole = static_cast<double>(steps_per_epoch(micro_batches_in_epoch(whole_epochs),
                                                               batch.gradient_accumulation_steps));
        // 0.3 of 10 steps are 3 and not 4, although 0.3 is a little more than 3/10 in binary.
        steps += static_cast<int64_t>(std::ceil(part * whole - 1e-9));
    }
    return std::clamp<int64_t>(steps, 1, std::max<int64_t>(1, limit));
}

}  // namespace dayrun::core
