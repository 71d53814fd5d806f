// dayrun generate | logprobs: a base, with or without an adapter, through the code that trains.
// Neighbour: id_rows.h reads the rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <deque>
#include <memory>

#include "app/command.h"
#include "app/id_rows.h"
#include "app/quantization_options.h"
#include "app/wiring.h"
#include "core/base/units.h"
#include "core/events/event_json.h"
#include "core/model/model_config.h"
#include "core/tokens/pipeline/stop_filter.h"
#include "core/tokens/pipeline/stream_decoder.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::app {
namespace {

struct ModelOptions {
    std::string model;
    std::string adapter;
    std::vector<std::string> prompts;
    std::vector<std::string> prompt_ids;
    std::string rows;
    std::string logits;
    std::string grads;
    std::vector<std::string> stop;
    std::string dtype = "auto";
    QuantizationOptions quantization;
    core::GenerateOptions generate;

    core::DtypeChoice chosen_dtype() const {
        if (dtype == "float32") return core::DtypeChoice::Float32;
        return dtype == "bfloat16" ? core::DtypeChoice::BFloat16 : core::DtypeChoice::Auto;
    }
};

// One prompt gives its result alone; several give a list, or a line each.
void print_results(const std::vector<std::string>& lines, bool json) {
    if (json && lines.size() > 1) {
        fmt::print("{{\"results\":[{}]}}\n", fmt::join(lines, ","));
    } else {
        fmt::print("{}\n", fmt::join(lines, "\n"));
    }
}

/// "37,56,…" as ids.
core::Result<std::vector<int32_t>> parse_ids(const std::string& text) {
    std::vector<int32_t> ids;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        int32_t id = 0;
        const auto [rest, failed] = std::from_chars(at, end, id);
        const bool is_last = rest == end;
        if (failed != std::errc() || (!is_last && (*rest != ',' || rest + 1 == end))) {
            return core::Error{.code = core::ErrorCode::BadUsage,
                               .message = fmt::format("'{}' is not a list of ids.", text),
                               .hint = "Write ids with commas between them: 37,56,120."};
        }
        ids.push_back(id);
        at = is_last ? end : rest + 1;
    }
    return ids;
}

int generate_ids(core::Engine& engine, const CommonOptions& common, const ModelOptions& options) {
    std::vector<core::GenerateRequest> requests;
    for (const std::string& text : options.prompt_ids) {
        auto ids = parse_ids(text);
        if (!ids.ok()) return report_error(ids.error());
        requests.push_back({std::move(ids).value(), options.generate});
    }
    const auto made = engine.generate_batch(requests);
    if (!made.ok()) return report_error(made.error());
    std::vector<std::string> lines;
    for (const auto& ids : *made) {
        const std::string list = fmt::format("{}", fmt::join(ids, ","));
        lines.push_back(common.json ? fmt::format("{{\"ids\":[{}]}}", list) : list);
    }
    print_results(lines, common.json);
    return kExitDone;
}

/// One text as it grows: characters are never split, and no part of a stop text is shown.
struct GrowingText {
    GrowingText(const core::Tokenizer& tokenizer, const std::vector<std::string>& stops)
        : decoder(tokenizer), filter(stops) {}

    core::StreamDecoder decoder;
    core::StopFilter filter;
    std::string text;
    bool is_shown = false;

    void add(const std::string& piece) {
        text += piece;
        if (!is_shown) return;
        fmt::print("{}", piece);
        std::fflush(stdout);
    }
    bool push(int32_t id) {
        add(filter.push(decoder.push(id)));
        return !filter.is_stopped();
    }
    void finish() {
        add(filter.push(decoder.finish()));
        if (!filter.is_stopped()) add(filter.finish());
    }
};

/// Where the model itself ends a text: its tokenizer's end, and what its config lists.
std::vector<int32_t> end_ids(const core::Tokenizer& tokenizer, const std::string& model) {
    std::vector<int32_t> ids;
    if (tokenizer.eos_id()) ids.push_back(*tokenizer.eos_id());
    const auto config = core::read_model_config(model);
    if (config.ok()) {
        ids.insert(ids.end(), config->eos_token_ids.begin(), config->eos_token_ids.end());
    }
    return ids;
}

int generate_text(core::Engine& engine, const CommonOptions& common, const ModelOptions& options) {
    const auto opened = core::open_tokenizer(options.model);
    if (!opened.ok()) return report_error(opened.error());
    const core::Tokenizer& tokenizer = **opened;
    std::vector<core::GenerateRequest> requests;
    std::deque<GrowingText> texts;  // requests point into it
    for (const std::string& prompt : options.prompts) {
        GrowingText& text = texts.emplace_back(tokenizer, options.stop);
        text.is_shown = !common.json && options.prompts.size() == 1;
        core::GenerateRequest request{
            tokenizer.encode(prompt, core::SpecialTokens::AddAndRecognise), options.generate};
        request.options.stop_ids = end_ids(tokenizer, options.model);
        request.options.on_token = [&text](int32_t id) { return text.push(id); };
        requests.push_back(std::move(request));
    }
    const auto made = engine.generate_batch(requests);
    if (!made.ok()) return report_error(made.error());
    std::vector<std::string> lines;
    for (size_t i = 0; i < texts.size(); ++i) {
        texts[i].finish();
        lines.push_back(common.json ? fmt::format("{{\"text\":{},\"ids\":[{}]}}",
                                                  core::json_string(texts[i].text),
                                                  fmt::join((*made)[i], ","))
                                    : texts[i].text);
    }
    if (texts.front().is_shown) lines = {""};  // shown already: only its end of line is left
    print_results(lines, common.json);
    return kExitDone;
}

int generate(const CommonOptions& common, const ModelOptions& options) {
    if (options.prompts.empty() == options.prompt_ids.empty()) {
        return report_error({.code = core::ErrorCode::BadUsage,
                             .message = "generate needs --prompt or --prompt-ids, one of them.",
                             .hint = "Example: dayrun generate --model DIR --prompt \"Once\""});
    }
    if (!options.stop.empty() && options.prompts.empty()) {
        return report_error({.code = core::ErrorCode::BadUsage,
                             .message = "--stop is a text, and --prompt-ids makes ids only.",
                             .hint = "Give --prompt, or leave out --stop."});
    }
    const auto engine = open_model(common, options.model, options.adapter, options.chosen_dtype(),
                                   options.quantization.spec());
    if (!engine.ok()) return report_error(engine.error());
    if (!options.prompt_ids.empty()) return generate_ids(**engine, common, options);
    return generate_text(**engine, common, options);
}

void print_logprobs(const core::LogprobsResult& result, bool json) {
    if (!json) {
        const auto text = [](double loss) {
            return std::isnan(loss) ? "no supervised token"
                                    : fmt::format("loss {} nats", core::shortest(loss));
        };
        for (size_t i = 0; i < result.row_loss.size(); ++i) {
            fmt::print("row {}: {}\n", i, text(result.row_loss[i]));
        }
        fmt::print("all rows: {}\n", text(result.loss));
        return;
    }
    std::string text = "{\"loss\":" + core::shortest(result.loss) + ",\"rows\":[";
    for (size_t i = 0; i < result.logprobs.size(); ++i) {
        text += fmt::format("{}{{\"loss\":{},\"logprobs\":[", i == 0 ? "" : ",",
                            core::shortest(result.row_loss[i]));
        for (size_t j = 0; j < result.logprobs[i].size(); ++j) {
            text += (j == 0 ? "" : ",") + core::shortest(result.logprobs[i][j]);
        }
        text += "]}";
    }
    fmt::print("{}]}}\n", text);
}

int logprobs(const CommonOptions& common, const ModelOptions& options) {
    if (!options.grads.empty() && options.adapter.empty()) {
        return report_error({.code = core::ErrorCode::BadUsage,
                             .message = "--grads needs an adapter, whose gradients it writes.",
                             .hint = "Give --adapter DIR."});
    }
    const auto rows = read_id_rows(options.rows);
    if (!rows.ok()) return report_error(rows.error());
    const auto engine = open_model(common, options.model, options.adapter, options.chosen_dtype(),
                                   options.quantization.spec());
    if (!engine.ok()) return report_error(engine.error());
    const auto result = (*engine)->logprobs(*rows, options.logits, options.grads);
    if (!result.ok()) return report_error(result.error());
    print_logprobs(*result, common.json);
    return kExitDone;
}

void add_generate_options(CLI::App& command, ModelOptions& options) {
    command.add_option("--prompt", options.prompts, "The text to continue; may be repeated")
        ->allow_extra_args(false);
    command
        .add_option("--prompt-ids", options.prompt_ids,
                    "Ids to continue: 37,56,…; prints ids; may be repeated")
        ->allow_extra_args(false);
    command.add_option("--max-new-tokens", options.generate.max_new_tokens, "Most new tokens")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
        ->capture_default_str();
    command.add_option("--temperature", options.generate.temperature, "0 is greedy")
        ->check(CLI::Range(0.0, 100.0));
    command.add_option("--top-p,--top_p", options.generate.top_p, "Nucleus share")
        ->check(CLI::Range(0.0, 1.0));
    command.add_option("--top-k,--top_k", options.generate.top_k, "Candidates; 0 is all")
        ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
    command.add_option("--seed", options.generate.seed, "Seed of the sampling");
    command.add_option("--stop", options.stop, "End where this text appears; may be repeated")
        ->allow_extra_args(false);
}

}  // namespace

void add_model_commands(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<ModelOptions>();
    const auto add = [&](const char* name, const char* help, const char* example, auto run) {
        auto* command = parser.add_subcommand(name, help);
        command->footer(std::string("Example: ") + example);
        command->add_option("--model", options->model, "Base model folder")->required();
        command->add_option("--adapter", options->adapter, "PEFT adapter folder");
        command->add_option("--dtype", options->dtype, "Weights and activations; auto: as the file")
            ->check(CLI::IsMember({"auto", "float32", "bfloat16"}))
            ->capture_default_str();
        options->quantization.add_to(*command);
        command->callback([&chosen, options, run] {
            chosen = [options, run](const CommonOptions& common) { return run(common, *options); };
        });
        return command;
    };
    add_generate_options(
        *add("generate", "Continue a prompt; greedy unless a temperature is given",
             "dayrun generate --model base --adapter runs/7f3a/adapter --prompt \"Once\"",
             generate),
        *options);
    auto* probabilities =
        add("logprobs", "Log-probability of every next token, and the loss, per row",
            "dayrun logprobs --model base --rows rows.jsonl --json", logprobs);
    probabilities->add_option("--rows", options->rows, "JSONL rows {\"input_ids\": [...]}")
        ->required();
    probabilities->add_option("--logits", options->logits, "Also write all logits (safetensors)");
    probabilities->add_option("--grads", options->grads,
                              "Also write the adapter's gradients of the mean loss (safetensors)");
}

}  // namespace dayrun::app
