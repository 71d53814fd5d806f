// Body of json_access.h.
#include "core/tokens/pipeline/json_access.h"

#include <fmt/format.h>

namespace dayrun::core {

std::optional<JsonElement> child(const JsonElement& json, std::string_view key) {
    JsonElement found;
    if (!json.is_object() || json[key].get(found) != simdjson::SUCCESS || found.is_null()) {
        return std::nullopt;
    }
    return found;
}

std::optional<std::string_view> child_text(const JsonElement& json, std::string_view key) {
    const auto found = child(json, key);
    std::string_view text;
    if (!found || found->get(text) != simdjson::SUCCESS) return std::nullopt;
    return text;
}

bool child_flag(const JsonElement& json, std::string_view key, bool fallback) {
    const auto found = child(json, key);
    bool flag = fallback;
    if (found && found->get(flag) == simdjson::SUCCESS) return flag;
    return fallback;
}

std::optional<int64_t> child_int(const JsonElement& json, std::string_view key) {
    const auto found = child(json, key);
    int64_t number = 0;
    if (!found || found->get(number) != simdjson::SUCCESS) return std::nullopt;
    return number;
}

std::string_view type_of(const JsonElement& json) {
    return child_text(json, "type").value_or("");
}

Error unknown_component(std::string_view part, std::string_view type) {
    return {.code = ErrorCode::Unsupported,
            .message = fmt::format("The tokenizer uses the {} '{}', which Dayrun does not have.",
                                   part, type),
            .hint = "Use the model's sentencepiece or tiktoken file if it has one."};
}

Error bad_component(std::string_view part, std::string_view type, std::string_view reason) {
    return {.code = ErrorCode::BadTokenizer,
            .message = fmt::format("The tokenizer's {} '{}' {}.", part, type, reason),
            .hint = "Fetch the model's tokenizer files again."};
}

}  // namespace dayrun::core
