// The progress of a run as text. Neighbour: resume/resume_point.cpp keeps it in a file.
// Lives on the run thread.
#include "core/run/progress/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "core/base/units.h"
#include "core/events/event_json.h"

namespace dayrun::core {

namespace {

std::string numbers(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += (text.empty() ? "" : ",") + shortest(value);
    return text;
}

std::string exact_match_json(const std::vector<ExactMatchMeasured>& figures) {
    std::string text;
    for (const ExactMatchMeasured& figure : figures) {
        text += fmt::format("{}{{\"step\":{},\"source_id\":{},\"rows\":{},\"matches\":{}}}",
                            text.empty() ? "" : ",", figure.step, json_string(figure.source_id),
                            figure.rows, figure.matches);
    }
    return text;
}

// What is no number was written as null.
double real(const nlohmann::json& object, const char* key) {
    const nlohmann::json& value = object.at(key);
    return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

RunProgress progress_of(const nlohmann::json& json) {
    RunProgress progress;
    json.at("step").get_to(progress.step);
    json.at("total_steps").get_to(progress.total_steps);
    progress.epoch = real(json, "epoch");
    json.at("stream_position").get_to(progress.stream_position);
    progress.best_eval_loss = real(json, "best_eval_loss");
    json.at("best_step").get_to(progress.best_step);
    json.at("last_eval_step").get_to(progress.last_eval_step);
    json.at("eval_pending").get_to(progress.is_eval_pending);
    json.at("end_of_epoch").get_to(progress.is_end_of_epoch);
    json.at("skipped_in_a_row").get_to(progress.skipped_in_a_row);
    progress.first_loss = real(json, "first_loss");
    progress.last_loss = real(json, "last_loss");
    json.at("source_target_tokens").get_to(progress.source_target_tokens);
    for (const auto& figure : json.at("exact_match")) {
        progress.exact_match.push_back({.step = figure.at("step").get<int64_t>(),
                                        .source_id = figure.at("source_id").get<std::string>(),
                                        .rows = figure.at("rows").get<int64_t>(),
                                        .matches = figure.at("matches").get<int64_t>()});
    }
    for (const auto& loss : json.at("recent_losses")) {
        progress.outliers.remember(loss.get<double>());
    }
    progress.clock.earlier_s = real(json, "running_s");
    progress.clock.paused_s = real(json, "paused_s");
    progress.clock.since_eval_s = real(json, "since_eval_s");
    progress.pace.restore({.device_s = real(json, "device_s"),
                           .eval_s = real(json, "eval_s"),
                           .save_s = real(json, "save_s")});
    return progress;
}

}  // namespace

std::string progress_json(const RunProgress& progress) {
    return fmt::format(
        "{{\"step\":{},\"total_steps\":{},\"epoch\":{},\"stream_position\":{},"
        "\"best_eval_loss\":{},\"best_step\":{},\"last_eval_step\":{},\"eval_pending\":{},"
        "\"end_of_epoch\":{},\"skipped_in_a_row\":{},\"first_loss\":{},\"last_loss\":{},"
        "\"running_s\":{},\"paused_s\":{},\"since_eval_s\":{},\"device_s\":{},\"eval_s\":{},"
        "\"save_s\":{},\"source_target_tokens\":[{}],\"recent_losses\":[{}],"
        "\"exact_match\":[{}]}}",
        progress.step, progress.total_steps, shortest(progress.epoch), progress.stream_position,
        shortest(progress.best_eval_loss), progress.best_step, progress.last_eval_step,
        progress.is_eval_pending, progress.is_end_of_epoch, progress.skipped_in_a_row,
        shortest(progress.first_loss), shortest(progress.last_loss),
        shortest(progress.clock.running_s()), shortest(progress.clock.paused_s),
        shortest(progress.clock.since_eval_s), shortest(progress.pace.device_s()),
        shortest(progress.pace.eval_s()), shortest(progress.pace.save_s()),
        fmt::join(progress.source_target_tokens, ","), numbers(progress.outliers.recent()),
        exact_match_json(progress.exact_match));
}

Result<RunProgress> parse_progress(std::string_view text) {
    try {
        return progress_of(nlohmann::json::parse(text));
    } catch (const nlohmann::json::exception& failure) {
        return Error{.code = ErrorCode::FileDamaged,
                     .message = "This is not the progress of a run.",
                     .detail = failure.what()};
    }
}

}  // namespace dayrun::core
