// dayrun tokenize | detokenize: text <-> ids with a model's own tokenizer (contracts.md section 2).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::app {
namespace {

using Json = nlohmann::json;

struct TokenOptions {
    std::string model;
    std::vector<std::string> arguments;
    bool jsonl = false;
    bool no_special = false;
    bool plain = false;

    core::SpecialTokens special() const {
        if (plain) return core::SpecialTokens::Plain;
        return no_special ? core::SpecialTokens::Recognise : core::SpecialTokens::AddAndRecognise;
    }
    std::string argument() const { return fmt::format("{}", fmt::join(arguments, " ")); }
};

core::Error bad_line(size_t line, const std::string& what) {
    return {.code = core::ErrorCode::BadData,
            .message = fmt::format("Line {} is not {}.", line, what),
            .where = {"standard input", static_cast<int>(line), 0}};
}

/// One text a line, or with --jsonl one JSON string a line.
core::Result<std::vector<std::string>> read_texts(const TokenOptions& options) {
    if (!options.arguments.empty()) return std::vector<std::string>{options.argument()};
    std::vector<std::string> texts;
    for (std::string line; std::getline(std::cin, line);) {
        if (!options.jsonl) {
            texts.push_back(line);
            continue;
        }
        const Json value = Json::parse(line, nullptr, false);
        if (!value.is_string()) return bad_line(texts.size() + 1, "a JSON string");
        texts.push_back(value.get<std::string>());
    }
    return texts;
}

/// "1 2 3", "1,2,3" and "[1, 2, 3]" are all ids.
core::Result<std::vector<int32_t>> parse_ids(std::string text, size_t line) {
    for (char& c : text) {
        if (std::string_view("[], \t\r").find(c) != std::string_view::npos) c = ' ';
    }
    std::vector<int32_t> ids;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (true) {
        while (at != end && *at == ' ') ++at;
        if (at == end) return ids;
        int32_t id = 0;
        const auto [stop, code] = std::from_chars(at, end, id);
        if (code != std::errc() || (stop != end && *stop != ' ')) {
            return bad_line(line, "a list of ids");
        }
        ids.push_back(id);
        at = stop;
    }
}

core::Result<std::vector<std::vector<int32_t>>> read_ids(const TokenOptions& options) {
    std::vector<std::vector<int32_t>> rows;
    if (!options.arguments.empty()) {
        TRY(ids, parse_ids(options.argument(), 1));
        rows.push_back(std::move(ids));
        return rows;
    }
    for (std::string line; std::getline(std::cin, line);) {
        TRY(ids, parse_ids(line, rows.size() + 1));
        rows.push_back(std::move(ids));
    }
    return rows;
}

int tokenize(const CommonOptions& common, const TokenOptions& options) {
    const auto tokenizer = core::open_tokenizer(options.model);
    if (!tokenizer.ok()) return report_error(tokenizer.error());
    const auto texts = read_texts(options);
    if (!texts.ok()) return report_error(texts.error());
    Json all = Json::array();
    for (const std::string& text : *texts) {
        const auto ids = (*tokenizer)->encode(text, options.special());
        if (common.json) {
            all.push_back(ids);
        } else {
            fmt::print("{}\n", fmt::join(ids, " "));
        }
    }
    if (common.json) fmt::print("{}\n", Json{{"ids", all}}.dump());
    return kExitDone;
}

int detokenize(const CommonOptions& common, const TokenOptions& options) {
    const auto tokenizer = core::open_tokenizer(options.model);
    if (!tokenizer.ok()) return report_error(tokenizer.error());
    const auto rows = read_ids(options);
    if (!rows.ok()) return report_error(rows.error());
    const int32_t vocabulary = (*tokenizer)->vocab_size();
    for (const auto& ids : *rows) {
        for (const int32_t id : ids) {
            if (id >= 0 && id < vocabulary) continue;
            return report_error(
                {.code = core::ErrorCode::BadData,
                 .message = fmt::format("The id {} is none of this tokenizer's, which are 0 to {}.",
                                        id, vocabulary - 1),
                 .hint = "The ids come from another tokenizer."});
        }
    }
    Json all = Json::array();
    for (const auto& ids : *rows) {
        const std::string text = (*tokenizer)->decode_with_specials(ids);
        all.push_back(text);
        if (common.json) continue;
        const auto replace = Json::error_handler_t::replace;
        fmt::print("{}\n", options.jsonl ? Json(text).dump(-1, ' ', false, replace) : text);
    }
    if (common.json) {
        const Json document{{"texts", all}};
        fmt::print("{}\n", document.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return kExitDone;
}

}  // namespace

void add_token_commands(CLI::App& parser, Action& chosen) {
    auto options = std::make_shared<TokenOptions>();
    const auto add = [&](const char* name, const char* help, const char* example, auto run) {
        auto* command = parser.add_subcommand(name, help);
        command->footer(std::string("Example: ") + example);
        command->add_option("--model", options->model, "Model folder or tokenizer file")
            ->required();
        command->add_flag("--jsonl", options->jsonl, "Standard input holds one JSON value a line");
        command->callback([&chosen, options, run] {
            chosen = [options, run](const CommonOptions& common) { return run(common, *options); };
        });
        return command;
    };
    auto* encode = add("tokenize", "Ids of a text, or of every line of standard input",
                       "dayrun tokenize --model models/base \"Hello world\"", tokenize);
    encode->add_option("text", options->arguments, "The text; without it, standard input");
    encode->add_flag("--no-special", options->no_special, "Add no BOS or EOS");
    encode->add_flag("--plain", options->plain,
                     "Add nothing, and treat special tokens in the text as ordinary text");
    auto* decode = add("detokenize", "Text of ids, or of every line of ids on standard input",
                       "dayrun detokenize --model models/base 15043 3186", detokenize);
    decode->add_option("ids", options->arguments, "The ids; without them, standard input");
}

}  // namespace dayrun::app
