// The small files beside the weights of a model folder: copied when a model or adapter is exported.
// Any thread. Neighbour: merge.cpp.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.h"

namespace dayrun::core {

/// Copies the tokenizer's files (vocabulary, settings, chat template) that FROM has into TO.
Result<void> copy_tokenizer_files(const std::filesystem::path& from,
                                  const std::filesystem::path& to);

/// Copies generation_config.json and the Python files that a model with its own code needs (Qwen
/// 1).
Result<void> copy_model_side_files(const std::filesystem::path& from,
                                   const std::filesystem::path& to);

/// FROM/config.json to TO with every key kept but the dtype, which becomes `dtype` ("bfloat16").
/// An empty dtype leaves it as it is.
Result<void> write_model_config(const std::filesystem::path& from, const std::filesystem::path& to,
                                const std::string& dtype);

}  // namespace dayrun::core
