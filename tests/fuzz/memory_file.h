// Bytes as a file without a disk. Neighbours: data_readers.h, arrow_files.h.
#pragma once

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

namespace dayrun::fuzz {

/// Readers open it by its path, each from the start.
class MemoryFile {
  public:
    MemoryFile(const uint8_t* data, size_t size) : m_descriptor(::memfd_create("fuzz", 0)) {
        if (::write(m_descriptor, data, size) != static_cast<ssize_t>(size)) std::abort();
    }
    ~MemoryFile() { ::close(m_descriptor); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::filesystem::path path() const { return fmt::format("/proc/self/fd/{}", m_descriptor); }

  private:
    int m_descriptor;
};

}  // namespace dayrun::fuzz
