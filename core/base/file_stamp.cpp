// Body of file_stamp.h.
#include "core/base/file_stamp.h"

#include <sys/stat.h>

#include <algorithm>

namespace dayrun::core {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;
constexpr double kSettlingS = 2;

int64_t ns(const timespec& time) {
    return int64_t{time.tv_sec} * kNanoseconds + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const struct ::stat& status) {
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .bytes = status.st_size,
            .modified_ns = ns(status.st_mtim),
            .changed_ns = ns(status.st_ctim)};
}

std::optional<FileStamp> stamp_of(const std::filesystem::path& path) {
    struct ::stat status = {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return stamp_of(status);
}

bool is_settled(const FileStamp& stamp, double now_s) {
    const auto latest = static_cast<double>(std::max(stamp.modified_ns, stamp.changed_ns));
    return latest / static_cast<double>(kNanoseconds) + kSettlingS < now_s;
}

}  // namespace dayrun::core
