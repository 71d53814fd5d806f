// A whole file mapped read-only into memory. Any thread may read; the bytes live as long as the
// object. Neighbours: safetensors.cpp, and whoever reads large files without copying them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "core/base/file_stamp.h"
#include "core/base/result.h"

namespace dayrun::core {

class MappedFile {
  public:
    /// FileMissing when it is not a readable file. An empty file maps to an empty span.
    static Result<MappedFile> open(const std::filesystem::path& path);
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    std::span<const std::byte> bytes() const { return m_bytes; }
    /// The file's state when it was opened.
    const FileStamp& stamp() const { return m_stamp; }
    /// Reads a range and maps its whole pages now, so that later reads never wait for them. Where
    /// the kernel cannot, they are fetched when they are read.
    void fault_in(std::span<const std::byte> range) const;
    /// Gives the pages of a range back; reading it again fetches it from the file again.
    void drop(std::span<const std::byte> range) const;

  private:
    MappedFile(std::span<const std::byte> bytes, const FileStamp& stamp)
        : m_bytes(bytes), m_stamp(stamp) {}

    std::span<const std::byte> m_bytes;
    FileStamp m_stamp;
};

}  // namespace dayrun::core
