// Looking into tokenizer.json with simdjson, and the one sentence about what it holds that Dayrun
// does not have. Only the .cpp files of this folder include it. Any thread.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace dayrun::core {

using JsonElement = simdjson::dom::element;

/// The value of a key, or nothing when it is missing or null or `json` is no object.
std::optional<JsonElement> child(const JsonElement& json, std::string_view key);
std::optional<std::string_view> child_text(const JsonElement& json, std::string_view key);
bool child_flag(const JsonElement& json, std::string_view key, bool fallback);
std::optional<int64_t> child_int(const JsonElement& json, std::string_view key);

/// A component's "type", or "" without one.
std::string_view type_of(const JsonElement& json);

/// "uses the normalizer 'Nmt', which Dayrun does not have."
Error unknown_component(std::string_view part, std::string_view type);
/// "has a normalizer 'Replace' without a usable pattern."
Error bad_component(std::string_view part, std::string_view type, std::string_view reason);

}  // namespace dayrun::core
