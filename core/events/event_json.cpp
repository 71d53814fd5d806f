// Writes events as JSON by hand, since the order of keys and the shortest form of numbers are part
// of the contract. Neighbour: run_event.h. Any thread.
#include "core/events/event_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/base/units.h"

namespace dayrun::core {

std::string json_string(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

namespace {

/// Collects `"key":value` pairs in order.
class JsonLine {
  public:
    explicit JsonLine(std::string_view event) { add("event", event); }

    JsonLine& add(std::string_view key, std::string_view text) {
        return add_raw(key, json_string(text));
    }
    JsonLine& add(std::string_view key, const std::string& text) {
        return add(key, std::string_view(text));
    }
    JsonLine& add(std::string_view key, int64_t number) {
        return add_raw(key, fmt::format("{}", number));
    }
    JsonLine& add(std::string_view key, double number) { return add_raw(key, shortest(number)); }
    JsonLine& add(std::string_view key, bool value) {
        return add_raw(key, value ? "true" : "false");
    }
    JsonLine& add_raw(std::string_view key, std::string_view json) {
        m_text += fmt::format("{}\"{}\":{}", m_text.empty() ? "{" : ",", key, json);
        return *this;
    }
    std::string end() const { return m_text + "}"; }

  private:
    std::string m_text;
};

JsonLine line_of(const RunEvent& event, std::string_view name) {
    JsonLine line(name);
    line.add("run_id", event.run_id);
    return line;
}

std::string body_json(const RunEvent& event, const StateChanged& changed) {
    return line_of(event, "state").add("state", to_string(changed.state)).end();
}

std::string body_json(const RunEvent& event, const StepMetrics& step) {
    return line_of(event, "step")
        .add("step", step.step)
        .add("epoch", step.epoch)
        .add("loss", step.loss)
        .add("loss_z", step.loss_z)
        .add("grad_norm", step.grad_norm)
        .add("learning_rate", step.learning_rate)
        .add("target_tokens", step.target_tokens)
        .add("slot_tokens", step.slot_tokens)
        .add("tokens_per_second", step.tokens_per_second)
        .add("step_ms", step.step_ms)
        .add("data_wait_ms", step.data_wait_ms)
        .add("device_bytes_peak", step.device_bytes_peak)
        .add("wall_s", step.wall_s)
        .add("device_s", step.device_s)
        .add("eta_s", step.eta_s)
        .add("skipped", step.skipped)
        .end();
}

std::string body_json(const RunEvent& event, const EvalMetrics& eval) {
    return line_of(event, "eval")
        .add("step", eval.step)
        .add("epoch", eval.epoch)
        .add("source_id", eval.source_id)
        .add("loss", eval.loss)
        .add("target_tokens", eval.target_tokens)
        .add("duration_ms", eval.duration_ms)
        .end();
}

std::string body_json(const RunEvent& event, const CheckpointSaved& saved) {
    return line_of(event, "checkpoint")
        .add("step", saved.step)
        .add("path", saved.path)
        .add("bytes", saved.bytes)
        .add("kind", saved.kind)
        .end();
}

std::string body_json(const RunEvent& event, const SampleGenerated& sample) {
    return line_of(event, "sample")
        .add("step", sample.step)
        .add("prompt", sample.prompt)
        .add("text", sample.text)
        .end();
}

std::string body_json(const RunEvent& event, const ExactMatchMeasured& measured) {
    return line_of(event, "exact_match")
        .add("step", measured.step)
        .add("source_id", measured.source_id)
        .add("rows", measured.rows)
        .add("matches", measured.matches)
        .end();
}

std::string body_json(const RunEvent& event, const LogLine& log) {
    return line_of(event, "log").add("level", log.level).add("message", log.message).end();
}

std::string body_json(const RunEvent& event, const RunFinished& finished) {
    std::string exports;
    for (const auto& [format, path] : finished.exports) {
        exports += fmt::format("{}{}:{}", exports.empty() ? "" : ",", json_string(format),
                               json_string(path));
    }
    return line_of(event, "finished")
        .add("state", to_string(finished.state))
        .add("best_eval_loss", finished.best_eval_loss)
        .add("best_step", finished.best_step)
        .add("adapter", finished.adapter)
        .add_raw("export", "{" + exports + "}")
        .end();
}

std::string body_json(const RunEvent& event, const RunFailed& failed) {
    return line_of(event, "failed")
        .add("code", to_string(failed.error.code))
        .add("message", failed.error.text())
        .end();
}

}  // namespace

std::string event_json(const RunEvent& event) {
    return std::visit([&](const auto& body) { return body_json(event, body); }, event.body);
}

std::string start_json(const std::string& build_id, const std::vector<std::string>& run_ids) {
    std::string runs;
    for (const std::string& run_id : run_ids) {
        runs += (runs.empty() ? "" : ",") + json_string(run_id);
    }
    return JsonLine("start")
        .add("format", int64_t{1})
        .add("build_id", build_id)
        .add_raw("runs", "[" + runs + "]")
        .end();
}

}  // namespace dayrun::core
