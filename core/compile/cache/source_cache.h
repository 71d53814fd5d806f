// One source from files to token cache: read, convert, filter, encode, write; or nothing at all
// when the cache of the same content and settings is there. Neighbour: data_compiler mixes the
// caches. Runs on the caller's thread and helpers that it joins.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "core/compile/cache/token_cache.h"
#include "core/data/data_source.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "core/templates/chat_template.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// What making a cache found out; kept in its footer.
struct CacheReport {
    std::string converter;
    std::string warning;  // of the converter
    int64_t rows_in = 0;
    int64_t max_token_id = -1;
    bool is_plain_text = false;
    DropReport dropped;    // bad rows, no answer, filters
    DropReport shortened;  // what was left out of samples that are used

    std::string to_json() const;
    static Result<CacheReport> from_json(const std::string& text);
};

struct SourceCache {
    std::shared_ptr<const TokenCache> cache;
    CacheReport report;
    bool was_there = false;
    std::string rebuilt;  // why one that was there could not be used, as a sentence
};

struct SourceCacheRequest {
    const Recipe& recipe;
    const DataSource& source;  // hashed
    const ChatTemplate& chat_template;
    const Tokenizer* tokenizer = nullptr;
    const std::filesystem::path& folder;
    std::function<void(int64_t done_bytes)> progress = {};
    std::stop_token stop = {};
};

Result<SourceCache> ensure_source_cache(const SourceCacheRequest& request);

/// Everything that decides the cache's bytes, as 64 hex digits.
std::string source_cache_key(const SourceCacheRequest& request);

}  // namespace dayrun::core
