// Finds the tokenizer of a folder or the kind of a file. Neighbours: the openers, one file each.
// Any thread.
#include "core/tokens/tokenizer.h"

#include <fmt/format.h>

#include <array>

#include "core/base/atomic_file.h"
#include "core/tokens/tokenizer_openers.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

/// In the order in which a model folder is searched and a file is asked.
constexpr std::array kOpeners{
    TokenizerOpener{"tokenizer.json", "tokenizer.json", is_tokenizer_json, open_tokenizer_json},
    TokenizerOpener{"sentencepiece", "tokenizer.model", is_sentencepiece, open_sentencepiece},
    TokenizerOpener{"tiktoken", "qwen.tiktoken", is_tiktoken, open_tiktoken},
};

Result<std::unique_ptr<Tokenizer>> open_file(const fs::path& path) {
    TRY(content, read_file(path));
    const TokenizerFile file{path, std::move(content), path.parent_path()};
    for (const TokenizerOpener& opener : kOpeners) {
        if (opener.is_mine(file)) return opener.open(file);
    }
    return Error{
        .code = ErrorCode::BadTokenizer,
        .message = fmt::format("{} is no tokenizer file that Dayrun reads.", path.string()),
        .hint = "Give a tokenizer.json, a sentencepiece model, a rank file or the model's folder."};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> open_tokenizer(const fs::path& folder_or_file) {
    std::error_code ignored;
    if (!fs::exists(folder_or_file, ignored)) {
        return Error{
            .code = ErrorCode::FileMissing,
            .message = fmt::format("There is no tokenizer at {}.", folder_or_file.string()),
            .hint = "Give a model's folder or a tokenizer file."};
    }
    if (!fs::is_directory(folder_or_file, ignored)) return open_file(folder_or_file);
    std::string names;
    for (const TokenizerOpener& opener : kOpeners) {
        const fs::path path = folder_or_file / opener.folder_name;
        if (fs::exists(path, ignored)) return open_file(path);
        names += fmt::format("{}{}", names.empty() ? "" : ", ", opener.folder_name);
    }
    return Error{.code = ErrorCode::FileMissing,
                 .message = fmt::format("The folder {} has no tokenizer.", folder_or_file.string()),
                 .hint = fmt::format("Looked for {}.", names)};
}

}  // namespace dayrun::core
