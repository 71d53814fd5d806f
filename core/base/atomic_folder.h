// Folders that are either whole or not there: filled under a temporary name, flushed to the disk,
// swapped in. Neighbours: temporary.h, atomic_file.h. Any thread; two writers of one folder must be
// kept apart by the caller.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/base/result.h"

namespace dayrun::core {

/// Writes what belongs into an empty folder.
using FolderWriter = std::function<Result<void>(const std::filesystem::path& folder)>;

/// Makes or replaces `target` with what `write` puts into an empty folder; at no moment is half of
/// it there. When anything fails the target is as it was, and what was written is gone: the disk
/// may be full because of it.
Result<void> write_folder(const std::filesystem::path& target, const FolderWriter& write);

/// Makes the bytes of a file, or the names in a folder, survive a power cut; DiskFull names it.
Result<void> flush_to_disk(const std::filesystem::path& path);

/// Sum of the sizes of the files in a folder; of a file, its own size.
int64_t folder_bytes(const std::filesystem::path& path);

}  // namespace dayrun::core
