// Counting moments. Neighbour: eval_moments.h. Lives on the run thread.
#include "core/plan/schedule/eval_moments.h"

#include <algorithm>
#include <cmath>

namespace dayrun::core {

bool EvalMoments::is_due(int64_t step, bool is_end_of_epoch, double minutes) const {
    return std::any_of(m_every.begin(), m_every.end(), [&](const EvalEvery& every) {
        switch (every.kind) {
            case EvalEvery::Kind::Epoch:
                return is_end_of_epoch;
            case EvalEvery::Kind::Steps:
                return step % std::max<int64_t>(1, std::llround(every.count)) == 0;
            case EvalEvery::Kind::Minutes:
                return minutes >= every.count;
        }
        return false;
    });
}

int64_t EvalMoments::remaining(int64_t step, int64_t total_steps, double epoch,
                               double epochs) const {
    int64_t count = 0;
    for (const EvalEvery& every : m_every) {
        if (every.kind == EvalEvery::Kind::Epoch) {
            count += static_cast<int64_t>(std::max(0.0, std::ceil(epochs - epoch - 1e-9)));
        } else if (every.kind == EvalEvery::Kind::Steps) {
            const int64_t period = std::max<int64_t>(1, std::llround(every.count));
            count += total_steps / period - step / period;
        }
    }
    return step < total_steps ? std::max<int64_t>(1, count) : count;
}

}  // namespace dayrun::core
