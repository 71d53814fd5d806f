// SHA-256 (FIPS 180-4), for fingerprints of files, recipes and caches.
// One Sha256 per thread; the free functions may run on any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

/// Incremental SHA-256: add pieces in order, then read the digest once.
class Sha256 {
  public:
    Sha256();
    void add(std::span<const std::byte> bytes);
    void add(std::string_view text);
    /// A length-prefixed text, so that ("ab","c") and ("a","bc") differ.
    void add_field(std::string_view text);
    /// The digest as 64 lower-case hex digits; ends the computation.
    std::string hex();

  private:
    void add_block(const std::byte* block);

    std::array<uint32_t, 8> m_state;
    std::array<std::byte, 64> m_buffer;
    size_t m_buffered = 0;
    uint64_t m_total = 0;
};

/// SHA-256 of a text as 64 hex digits.
std::string sha256_hex(std::string_view text);
/// SHA-256 of a file's bytes as 64 hex digits; FileMissing when it cannot be read.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace dayrun::core
