// Steps 2 to 6 of the walk in one call: a recipe's sources become token caches, and the rest a view
// over them (compiled_data.h). Neighbours: core/data reads and cleans, token_cache keeps.
// compile_data runs on the calling thread and helpers it joins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// Whether any source is text; rows of ids need no tokenizer.
bool needs_tokenizer(const Recipe& recipe);

/// How far compile_data is; `done` and `total` are bytes of the source's files.
struct CompileProgress {
    std::string source;
    std::string step;  // "reading", "tokenizing", "from cache", "mixing"
    int64_t done = 0;
    int64_t total = 0;
};
using CompileListener = std::function<void(const CompileProgress&)>;

/// When the rows of a cache that was there are checked: opening one with EveryRow reads it whole.
enum class CacheCheck { AsRead, EveryRow };

/// Opens, reads, converts, filters, encodes and mixes; a cache that cannot be used is built anew
/// and told in `rebuilt_caches`. `tokenizer` may be null when every source is token_ids. BadData
/// with file and line, FileMissing, Unsupported with the key, or Cancelled.
Result<std::shared_ptr<const CompiledData>> compile_data(const Recipe& recipe,
                                                         const Tokenizer* tokenizer,
                                                         const std::filesystem::path& cache_folder,
                                                         const CompileListener& listener = {},
                                                         std::stop_token stop = {},
                                                         CacheCheck check = CacheCheck::AsRead);

}  // namespace dayrun::core
