// A fast 64-bit checksum for large files: it notices damage and other content, not an attacker (for
// that there is hash.h, at a twentieth of the speed). Four lanes of eight bytes, each multiplied
// and rotated, so that any changed bit changes its lane. One Checksum per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dayrun::core {

class Checksum {
  public:
    /// The pieces matter: ("ab", "c") and ("a", "bc") differ, as each ends with its length.
    void add(std::span<const std::byte> bytes);
    void add(std::string_view text);
    /// Of everything added so far.
    uint64_t value() const;
    /// The same as 16 lower-case hex digits.
    std::string hex() const;

  private:
    std::array<uint64_t, 4> m_lanes = {0x243f6a8885a308d3u, 0x13198a2e03707344u,
                                       0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
};

}  // namespace dayrun::core
