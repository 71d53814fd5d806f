// The list of tokenizer file kinds: each opener looks at a file and, if it is its kind, opens it.
// tokenizer.cpp walks the list; a new kind is one more line there. Any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "core/base/result.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// A file that may be a tokenizer, and the folder whose configs go with it.
struct TokenizerFile {
    std::filesystem::path path;
    std::string content;           // the whole file
    std::filesystem::path folder;  // of tokenizer_config.json and the like
};

struct TokenizerOpener {
    std::string_view kind;         // "sentencepiece", for messages
    std::string_view folder_name;  // the file's name in a model folder, "tokenizer.model"
    bool (*is_mine)(const TokenizerFile& file);  // by content, whatever the file is called
    Result<std::unique_ptr<Tokenizer>> (*open)(const TokenizerFile& file);
};

bool is_sentencepiece(const TokenizerFile& file);
Result<std::unique_ptr<Tokenizer>> open_sentencepiece(const TokenizerFile& file);

bool is_tokenizer_json(const TokenizerFile& file);
Result<std::unique_ptr<Tokenizer>> open_tokenizer_json(const TokenizerFile& file);

/// Rank files of Qwen 1 and Llama 3.
bool is_tiktoken(const TokenizerFile& file);
Result<std::unique_ptr<Tokenizer>> open_tiktoken(const TokenizerFile& file);

}  // namespace dayrun::core
