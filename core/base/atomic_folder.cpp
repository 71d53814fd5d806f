// Body of atomic_folder.h.
#include "core/base/atomic_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/temporary.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

Result<void> flush_tree(const fs::path& folder) {
    std::error_code failed;
    for (const auto& entry : fs::recursive_directory_iterator(folder, failed)) {
        TRY_VOID(flush_to_disk(entry.path()));
    }
    if (failed) return write_error(folder, "read", failed.value());
    return flush_to_disk(folder);
}

}  // namespace

Result<void> flush_to_disk(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    // EINVAL: a disk that flushes no folders.
    const bool is_flushed = descriptor >= 0 && (::fsync(descriptor) == 0 || errno == EINVAL);
    const int reason = errno;
    if (descriptor >= 0) ::close(descriptor);
    if (!is_flushed) return write_error(path, "flushed to the disk", reason);
    return {};
}

Result<void> write_folder(const fs::path& target, const FolderWriter& write) {
    TRY(fresh, Temporary::folder(target));
    TRY_VOID(write(fresh.path()));
    TRY_VOID(flush_tree(fresh.path()));
    return fresh.put_in_place();
}

int64_t folder_bytes(const fs::path& path) {
    std::error_code ignored;
    const fs::file_status status = fs::symlink_status(path, ignored);
    if (fs::is_regular_file(status)) return static_cast<int64_t>(fs::file_size(path, ignored));
    int64_t bytes = 0;
    if (!fs::is_directory(status)) return bytes;
    for (const auto& entry : fs::recursive_directory_iterator(path, ignored)) {
        if (entry.is_regular_file(ignored)) bytes += static_cast<int64_t>(entry.file_size(ignored));
    }
    return bytes;
}

}  // namespace dayrun::core
