// Reading the tokenizer's configs. Neighbour: sentencepiece_tokenizer.cpp. Any thread.
#include "core/tokens/tokenizer_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"

namespace dayrun::core {
namespace {

using Json = nlohmann::json;

Result<Json> read_json(const std::filesystem::path& path, std::string& all_text) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return Json::object();
    TRY(text, read_file(path));
    Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded() || !json.is_object()) {
        return Error{.code = ErrorCode::BadTokenizer,
                     .message = fmt::format("{} is not a JSON object.", path.string()),
                     .hint = "Fetch the model's tokenizer files again."};
    }
    all_text += path.filename().string() + "\n" + text;
    return json;
}

/// A token's text: a string, or an object with `content`.
std::string token_text(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (found->is_object() && found->contains("content") && (*found)["content"].is_string()) {
        return (*found)["content"].get<std::string>();
    }
    return {};
}

std::optional<bool> flag(const Json& json, const char* name) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_boolean()) return std::nullopt;
    return found->get<bool>();
}

void add_token(TokenizerConfig& config, SpecialToken token) {
    if (token.text.empty()) return;
    const auto known = std::find_if(config.special_tokens.begin(), config.special_tokens.end(),
                                    [&](const SpecialToken& t) { return t.text == token.text; });
    if (known == config.special_tokens.end()) config.special_tokens.push_back(std::move(token));
}

void read_decoder(const Json& config_json, TokenizerConfig& config) {
    const auto decoder = config_json.find("added_tokens_decoder");
    if (decoder == config_json.end() || !decoder->is_object()) return;
    for (const auto& [key, entry] : decoder->items()) {
        int32_t id = -1;
        const auto status = std::from_chars(key.data(), key.data() + key.size(), id);
        if (status.ec != std::errc() || !entry.is_object()) continue;
        SpecialToken token{.text = token_text(Json{{"token", entry}}, "token"), .id = id};
        token.strips_left = flag(entry, "lstrip").value_or(false);
        token.strips_right = flag(entry, "rstrip").value_or(false);
        add_token(config, std::move(token));
    }
}

}  // namespace

Result<TokenizerConfig> read_tokenizer_config(const std::filesystem::path& folder) {
    TokenizerConfig config;
    TRY(main, read_json(folder / "tokenizer_config.json", config.text));
    TRY(map, read_json(folder / "special_tokens_map.json", config.text));
    TRY(added, read_json(folder / "added_tokens.json", config.text));
    config.add_bos = flag(main, "add_bos_token");
    config.add_eos = flag(main, "add_eos_token");
    config.legacy = flag(main, "legacy");
    const auto named = [&](const char* name) {
        const std::string text = token_text(main, name);
        return text.empty() ? token_text(map, name) : text;
    };
    config.bos_token = named("bos_token");
    config.eos_token = named("eos_token");
    config.unk_token = named("unk_token");
    config.pad_token = named("pad_token");
    read_decoder(main, config);
    for (const auto& [text, id] : added.items()) {
        if (id.is_number_integer()) add_token(config, {.text = text, .id = id.get<int32_t>()});
    }
    for (const std::string& text :
         {config.bos_token, config.eos_token, config.unk_token, config.pad_token}) {
        add_token(config, {.text = text});
    }
    return config;
}

}  // namespace dayrun::core
