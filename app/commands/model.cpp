// dayrun generate | logprobs: a base, with or without an adapter, through the code that trains.
// Neighbour: id_rows.h reads the rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "app/command.h"
#include "app/id_rows.h"
#include "app/wiring.h"
#include "core/base/units.h"
#include "core/run/events/event_json.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::app {
namespace {

struct ModelOptions {
    std::string model;
    std::string adapter;
    std::string prompt;
    std::vector<int32_t> prompt_ids;
    std::string rows;
    std::string logits;
    std::string grads;
    std::vector<std::string> stop;
    std::string dtype = "auto";
    core::GenerateOptions generate;

    core::DtypeChoice chosen_dtype() const {
        if (dtype == "float32") return core::DtypeChoice::Float32;
        return dtype == "bfloat16" ? core::DtypeChoice::BFloat16 : core::DtypeChoice::Auto;
    }
};

/// Where the first of the stop texts begins, or npos.
size_t stop_position(const std::string& text, const std::vector<std::string>& stops) {
    size_t first = std::string::npos;
    for (const std::string& stop : stops) first = std::min(first, text.find(stop));
    return first;
}

int generate_ids(core::Engine& engine, const CommonOptions& common, const ModelOptions& options) {
    const auto ids = engine.generate(options.prompt_ids, options.generate);
    if (!ids.ok()) return report_error(ids.error());
    if (common.json) {
        fmt::print("{{\"ids\":[{}]}}\n", fmt::join(*ids, ","));
    } else {
        fmt::print("{}\n", fmt::join(*ids, ","));
    }
    return kExitDone;
}

int generate_text(core::Engine& engine, const CommonOptions& common, ModelOptions options) {
    const auto opened = core::open_tokenizer(options.model);
    if (!opened.ok()) return report_error(opened.error());
    const core::Tokenizer& tokenizer = **opened;
    if (tokenizer.eos_id()) options.generate.stop_ids.push_back(*tokenizer.eos_id());
    std::vector<int32_t> so_far;
    options.generate.on_token = [&](int32_t id) {
        so_far.push_back(id);
        return options.stop.empty() ||
               stop_position(tokenizer.decode(so_far), options.stop) == std::string::npos;
    };
    const auto prompt = tokenizer.encode(options.prompt, core::SpecialTokens::AddAndRecognise);
    const auto ids = engine.generate(prompt, options.generate);
    if (!ids.ok()) return report_error(ids.error());
    std::string text = tokenizer.decode(*ids);
    text.resize(std::min(text.size(), stop_position(text, options.stop)));
    if (common.json) {
        fmt::print("{{\"text\":{},\"ids\":[{}]}}\n", core::json_string(text), fmt::join(*ids, ","));
    } else {
        fmt::print("{}\n", text);
    }
    return kExitDone;
}

int generate(const CommonOptions& common, const ModelOptions& options) {
    if (options.prompt.empty() == options.prompt_ids.empty()) {
        return report_error({.code = core::ErrorCode::BadUsage,
                             .message = "generate needs --prompt or --prompt-ids, one of them.",
                             .hint = "Example: dayrun generate --model DIR --prompt \"Once\""});
    }
    const auto engine = open_model(common, options.model, options.adapter, options.chosen_dtype());
    if (!engine.ok()) return report_error(engine.error());
    if (!options.prompt_ids.empty()) return generate_ids(**engine, common, options);
    return generate_text(**engine, common, options);
}

void print_logprobs(const core::LogprobsResult& result, bool json) {
    if (!json) {
        for (size_t i = 0; i < result.row_loss.size(); ++i) {
            fmt::print("row {}: loss {} nats\n", i, core::shortest(result.row_loss[i]));
        }
        fmt::print("all rows: loss {} nats\n", core::shortest(result.loss));
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
    const auto engine = open_model(common, options.model, options.adapter, options.chosen_dtype());
    if (!engine.ok()) return report_error(engine.error());
    const auto result = (*engine)->logprobs(*rows, options.logits, options.grads);
    if (!result.ok()) return report_error(result.error());
    print_logprobs(*result, common.json);
    return kExitDone;
}

void add_generate_options(CLI::App& command, ModelOptions& options) {
    command.add_option("--prompt", options.prompt, "The text to continue");
    command.add_option("--prompt-ids", options.prompt_ids, "Ids to continue: 37,56,…; prints ids")
        ->delimiter(',');
    command.add_option("--max-new-tokens", options.generate.max_new_tokens, "Most new tokens")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
        ->capture_default_str();
    command.add_option("--temperature", options.generate.temperature, "0 is greedy")
        ->check(CLI::Range(0.0, 100.0));
    command.add_option("--top-p", options.generate.top_p, "Nucleus share")
        ->check(CLI::Range(0.0, 1.0));
    command.add_option("--top-k", options.generate.top_k, "Candidates; 0 is all")
        ->check(CLI::Range(int64_t{0}, int64_t{1} << 30));
    command.add_option("--seed", options.generate.seed, "Seed of the sampling");
    command.add_option("--stop", options.stop, "End where this text appears; may be repeated");
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
