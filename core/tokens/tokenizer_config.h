// tokenizer_config.json and its companions: which tokens are special and what is added to a text.
// Neighbours: the tokenizers of this folder. Plain values: any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

struct SpecialToken {
    std::string text;
    int32_t id = -1;  // -1: the file names no id, the vocabulary knows it
    bool strips_left = false, strips_right = false;
};

struct TokenizerConfig {
    std::optional<bool> add_bos, add_eos, legacy;
    std::string bos_token, eos_token, unk_token, pad_token;  // "" when absent or null
    std::vector<SpecialToken> special_tokens;
    std::string text;  // the files' contents, for a fingerprint
};

/// Reads what is there of tokenizer_config.json, special_tokens_map.json and added_tokens.json;
/// a folder with none of them gives the defaults. BadTokenizer for a file that is not JSON.
Result<TokenizerConfig> read_tokenizer_config(const std::filesystem::path& folder);

}  // namespace dayrun::core
