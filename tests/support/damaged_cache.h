// Damage to token caches where they lie, as a failing disk does it: the file stays the same one, so
// that who has it open meets the damage too. Any thread.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/compile/arrow_file/arrow_reader.h"
#include "core/compile/cache/cache_folder.h"

namespace dayrun::tests {

/// Writes over the file's bytes from `offset` on.
inline void overwrite(const std::filesystem::path& path, size_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Another file of these bytes in its place; without the wait for the disk that write_file has.
inline void replace(const std::filesystem::path& path, std::string_view bytes) {
    const std::filesystem::path other = path.string() + ".tmp";
    std::ofstream(other, std::ios::binary) << bytes;
    std::filesystem::rename(other, path);
}

/// Flips the lowest bit of every token id in a cache; how many there were.
inline int flip_tokens(const std::filesystem::path& path) {
    const auto file = core::ArrowFile::open(path);
    const auto content = core::read_file(path);
    if (!file.ok() || !content.ok()) return 0;
    size_t column = 0;
    while ((*file)->columns().at(column).name != "tokens") ++column;
    int flipped = 0;
    for (size_t batch = 0; batch < (*file)->batch_count(); ++batch) {
        // The lists of a column lie end to end.
        std::vector<int32_t> ids;
        for (int64_t row = 0; row < (*file)->row_count(batch); ++row) {
            const auto list = (*file)->list<int32_t>(batch, column, row);
            ids.insert(ids.end(), list.begin(), list.end());
        }
        const auto bytes = [&] {
            return std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * 4);
        };
        const size_t place = content->find(bytes());
        if (ids.empty() || place == std::string::npos) continue;
        for (int32_t& id : ids) id ^= 1;
        overwrite(path, place, bytes());
        flipped += static_cast<int>(ids.size());
    }
    return flipped;
}

/// The same in every cache of a folder.
inline int flip_all_tokens(const std::filesystem::path& folder) {
    int flipped = 0;
    for (const core::CacheFile& file : core::list_cache_files(folder)) {
        if (!file.is_leftover) flipped += flip_tokens(file.path);
    }
    return flipped;
}

}  // namespace dayrun::tests
