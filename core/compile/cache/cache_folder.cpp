// Body of cache_folder.h.
#include "core/compile/cache/cache_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/base/temporary.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".tokens.arrow";

double unix_seconds(fs::file_time_type time) {
    const auto system = std::chrono::file_clock::to_sys(time);
    return std::chrono::duration<double>(system.time_since_epoch()).count();
}

}  // namespace

std::vector<CacheFile> list_cache_files(const fs::path& folder) {
    std::vector<CacheFile> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        const bool is_cache = name.find(kEnding) != std::string::npos;
        std::error_code ignored;
        // What somebody is writing is neither a cache yet nor to be deleted.
        const bool is_in_work = is_temporary(entry.path()) && !is_left_over(entry.path());
        if (!is_cache || is_in_work || !entry.is_regular_file(ignored)) continue;
        CacheFile file;
        file.path = entry.path();
        file.bytes = static_cast<int64_t>(entry.file_size(ignored));
        file.modified_at = unix_seconds(entry.last_write_time(ignored));
        file.is_leftover = !name.ends_with(kEnding);
        files.push_back(std::move(file));
    }
    std::sort(files.begin(), files.end(), [](const CacheFile& a, const CacheFile& b) {
        return a.modified_at != b.modified_at ? a.modified_at > b.modified_at : a.path < b.path;
    });
    return files;
}

Result<int64_t> remove_cache_files(std::span<const CacheFile> files) {
    int64_t freed = 0;
    for (const CacheFile& file : files) {
        std::error_code error;
        const bool was_there = fs::remove(file.path, error);
        if (error) {
            return Error{.code = ErrorCode::DiskFull,
                         .message = fmt::format("Cannot delete {}: {}.", file.path.string(),
                                                error.message()),
                         .hint = "Check the permissions of the project's cache folder."};
        }
        if (was_there) freed += file.bytes;
    }
    return freed;
}

}  // namespace dayrun::core
