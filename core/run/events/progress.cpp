// A resume point's progress.json. Neighbour: trainer.cpp writes it. Lives on the run thread.
#include "core/run/events/progress.h"

#include <fmt/format.h>

#include "core/base/units.h"

namespace dayrun::core {

std::string progress_json(const RunProgress& progress) {
    std::string tokens;
    for (const int64_t count : progress.source_target_tokens) {
        tokens += fmt::format("{}{}", tokens.empty() ? "" : ",", count);
    }
    return fmt::format(
        "{{\"step\":{},\"total_steps\":{},\"epoch\":{},\"stream_position\":{},"
        "\"best_eval_loss\":{},\"best_step\":{},\"last_eval_step\":{},\"wall_s\":{},"
        "\"device_s\":{},\"source_target_tokens\":[{}]}}\n",
        progress.step, progress.total_steps, shortest(progress.epoch), progress.stream_position,
        shortest(progress.best_eval_loss), progress.best_step, progress.last_eval_step,
        shortest(progress.wall.elapsed_s()), shortest(progress.pace.device_s()), tokens);
}

}  // namespace dayrun::core
