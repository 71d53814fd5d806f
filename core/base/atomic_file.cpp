// POSIX side of atomic_file.h.
#include "core/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <atomic>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace dayrun::core {
namespace {

Error write_error(const std::filesystem::path& path, std::string_view action, int code) {
    Error error{.code = ErrorCode::DiskFull,
                .message = fmt::format("'{}' cannot be {}: {}.", path.string(), action,
                                       std::strerror(code))};
    if (code == ENOSPC || code == EDQUOT) {
        error.hint = "Free some space on that disk and try again; what was saved before is intact.";
    } else if (code == EACCES || code == EROFS || code == EPERM) {
        error.hint = "Choose a folder you may write to, or change its permissions.";
    }
    return error;
}

// A rename is only durable once the folder that holds the name is flushed too.
void sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
    std::filesystem::path temporary = path;
    // The number keeps two threads of one process apart.
    static std::atomic<uint64_t> s_files{0};
    temporary += fmt::format(".tmp-{}-{}", ::getpid(), s_files++);
    const int descriptor =
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return write_error(path, "created", errno);
    return AtomicFile(path, std::move(temporary), descriptor);
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
    : m_path(std::move(path)), m_temporary(std::move(temporary)), m_descriptor(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_temporary(std::move(other.m_temporary)),
      m_descriptor(std::exchange(other.m_descriptor, -1)) {}

AtomicFile::~AtomicFile() {
    if (m_descriptor < 0) return;
    ::close(m_descriptor);
    ::unlink(m_temporary.c_str());
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failure("written");
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
}

Result<void> AtomicFile::write(std::string_view text) {
    return write(std::as_bytes(std::span(text.data(), text.size())));
}

Result<void> AtomicFile::commit() {
    if (::fsync(m_descriptor) != 0) return failure("flushed to the disk");
    if (::close(std::exchange(m_descriptor, -1)) != 0) return failure("closed");
    if (::rename(m_temporary.c_str(), m_path.c_str()) != 0) {
        const Error error = failure("put in place");
        ::unlink(m_temporary.c_str());
        return error;
    }
    sync_folder(m_path.has_parent_path() ? m_path.parent_path() : ".");
    return {};
}

Error AtomicFile::failure(std::string_view action) const {
    return write_error(m_path, action, errno);
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
    if (path.has_parent_path()) TRY_VOID(ensure_folder(path.parent_path()));
    TRY(file, AtomicFile::create(path));
    TRY_VOID(file.write(content));
    return file.commit();
}

Result<std::string> read_file(const std::filesystem::path& path) {
    std::error_code code;
    if (std::filesystem::is_directory(path, code)) {
        return Error{.code = ErrorCode::FileMissing,
                     .message = fmt::format("'{}' is a folder, not a file.", path.string())};
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return Error{
            .code = ErrorCode::FileMissing,
            .message = fmt::format("'{}' cannot be read: {}.", path.string(), std::strerror(errno)),
            .hint = "Check the path and its permissions."};
    }
    std::ostringstream content;
    content << file.rdbuf();
    if (file.bad()) {
        return Error{.code = ErrorCode::FileDamaged,
                     .message = fmt::format("Reading '{}' failed half-way.", path.string()),
                     .hint = "Check the disk."};
    }
    return std::move(content).str();
}

Result<void> ensure_folder(const std::filesystem::path& path) {
    std::error_code code;
    std::filesystem::create_directories(path, code);
    if (code && !std::filesystem::is_directory(path)) {
        return write_error(path, "created", code.value());
    }
    return {};
}

}  // namespace dayrun::core
