// The token caches that lie in a project's cache folder: what they weigh, and getting rid of them.
// A cache may be deleted at any time; what needs it builds it anew. Neighbours: token_cache.h makes
// them, the window lists them. Plain functions: any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

struct CacheFile {
    std::filesystem::path path;
    int64_t bytes = 0;
    double modified_at = 0;    // unix seconds
    bool is_leftover = false;  // of a program that was killed while it wrote, or set aside, damaged
};

/// The caches of a folder, the newest first; none when there is no such folder. What is being
/// written is left out.
std::vector<CacheFile> list_cache_files(const std::filesystem::path& folder);

/// Deletes these files and returns the bytes that they had; one that is gone already is no error.
/// DiskFull names the first one that cannot be deleted; the ones before it are gone.
Result<int64_t> remove_cache_files(std::span<const CacheFile> files);

}  // namespace dayrun::core
