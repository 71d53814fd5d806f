// JSON of model folders (config.json, indexes, safetensors headers) as one value, without the
// surprises of a lenient parser: a key given twice, deep nesting and trailing text are errors.
// Neighbours: safetensors_header.cpp, model_config.cpp, adapter_config.cpp. Any thread.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

/// Parses an object. `file` only names the text in errors (FileDamaged with line and column);
/// `what` says what it should have been ("a JSON object with the model's settings").
Result<nlohmann::json> parse_json_object(std::string_view text, const std::filesystem::path& file,
                                         std::string_view what);
/// The same with keys in file order, where the order has a meaning (rank_pattern).
Result<nlohmann::ordered_json> parse_ordered_json_object(std::string_view text,
                                                         const std::filesystem::path& file,
                                                         std::string_view what);

/// The text of FILE; FileMissing when it is not there, FileDamaged above 100 MB.
Result<std::string> read_json_text(const std::filesystem::path& file, std::string_view what);
/// Reads and parses FILE.
Result<nlohmann::json> read_json_object(const std::filesystem::path& file, std::string_view what);

}  // namespace dayrun::core
