// The small files beside the weights of a model folder: copied when a model or adapter is exported.
// Any thread. Neighbour: merge.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/model_config.h"

namespace dayrun::core {

/// Copies the tokenizer's files (vocabulary, settings, chat template) that FROM has into TO.
Result<void> copy_tokenizer_files(const std::filesystem::path& from,
                                  const std::filesystem::path& to);

/// Copies generation_config.json and the Python files that a model with its own code needs (Qwen
/// 1).
Result<void> copy_model_side_files(const std::filesystem::path& from,
                                   const std::filesystem::path& to);

/// The names of the files that a merge or a 4-bit export of FROM writes: its weights and its
/// config, and what the two functions above copy.
Result<std::vector<std::filesystem::path>> exported_model_files(const std::filesystem::path& from);

/// How the weights beside a config.json are quantized.
enum class ConfigQuantization { None, Nf4, Nf4Double };

/// FROM/config.json to TO with every key kept but the dtype, which becomes `dtype` ("bfloat16";
/// empty leaves it as it is), tie_word_embeddings, which becomes what `config` (of the same folder)
/// found in the weights, and quantization_config, which becomes that of bitsandbytes or goes.
Result<void> write_model_config(const ModelConfig& config, const std::filesystem::path& from,
                                const std::filesystem::path& to, const std::string& dtype,
                                ConfigQuantization quantization = ConfigQuantization::None);

}  // namespace dayrun::core
