// Files that are either whole or not there: temporary file, fsync, rename, fsync of the folder.
// Any thread; two writers of one path must be kept apart by the caller.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/temporary.h"

namespace dayrun::core {

/// Writes pieces to a temporary file; commit() makes them PATH. Without commit nothing is left
/// behind.
class AtomicFile {
  public:
    static Result<AtomicFile> create(const std::filesystem::path& path);
    Result<void> write(std::span<const std::byte> bytes);
    Result<void> write(std::string_view text);
    /// Flushes to the disk and renames into place. DiskFull with the path when that fails.
    Result<void> commit();

  private:
    explicit AtomicFile(Temporary temporary) : m_temporary(std::move(temporary)) {}

    Temporary m_temporary;
};

/// Writes the whole file atomically, making missing folders above it.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);
/// The whole file as bytes; FileMissing or FileDamaged with the path.
Result<std::string> read_file(const std::filesystem::path& path);
/// create_directories with an Error that names the folder and the reason.
Result<void> ensure_folder(const std::filesystem::path& path);

}  // namespace dayrun::core
