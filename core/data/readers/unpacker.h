// gzip by zlib and Zstandard by libzstd, a few bytes at a time. Neighbour: byte_stream.cpp. One
// unpacker per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/data/data_source.h"

namespace dayrun::core {

/// A packed file is one member or more, end to end: gzip's members, Zstandard's frames.
class Unpacker {
  public:
    /// Gzip or Zstd; nullptr when its memory cannot be had.
    static std::unique_ptr<Unpacker> make(Compression compression);
    virtual ~Unpacker() = default;

    /// Moves what it can from the front of `in` to the front of `out`, and both spans on; stops at
    /// the end of a member. What is wrong with the bytes, or nullptr.
    virtual const char* step(std::span<const uint8_t>& in, std::span<uint8_t>& out) = 0;
    /// Whether no member is open: before the first byte, and right behind each member.
    bool is_between_members() const { return m_is_between_members; }

  protected:
    bool m_is_between_members = true;
};

}  // namespace dayrun::core
