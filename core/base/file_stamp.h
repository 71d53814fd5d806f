// What tells one state of a file from another without reading it: the system's own figures.
// Neighbour: checksum.h, whose results are kept for as long as a stamp holds. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

struct stat;

namespace dayrun::core {

struct FileStamp {
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t bytes = 0;
    int64_t modified_ns = 0;  // since 1970
    int64_t changed_ns = 0;   // of contents, names or rights; no program can set it back
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

FileStamp stamp_of(const struct ::stat& status);
/// Nothing when there is no such file.
std::optional<FileStamp> stamp_of(const std::filesystem::path& path);

/// Whether the file was left alone for two seconds before `now_s` (unix time). A younger one may be
/// written to once more within the same tick of the system's clock, under the same stamp.
bool is_settled(const FileStamp& stamp, double now_s);

}  // namespace dayrun::core
