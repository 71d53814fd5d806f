// POSIX side of atomic_file.h.
#include "core/base/atomic_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace dayrun::core {

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
    TRY(temporary, Temporary::file(path));
    return AtomicFile(std::move(temporary));
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_temporary.descriptor(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return write_error(m_temporary.target(), "written", errno);
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return {};
}

Result<void> AtomicFile::write(std::string_view text) {
    return write(std::as_bytes(std::span(text.data(), text.size())));
}

Result<void> AtomicFile::commit() {
    if (::fsync(m_temporary.descriptor()) != 0) {
        return write_error(m_temporary.target(), "flushed to the disk", errno);
    }
    return m_temporary.put_in_place();
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
