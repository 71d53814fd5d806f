// Body of checksum.h.
#include "core/base/checksum.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace dayrun::core {
namespace {

// Odd, so that products lose nothing.
constexpr uint64_t kWordFactor = 0x9e3779b97f4a7c15u;
constexpr uint64_t kLaneFactor = 0xd1342543de82ef95u;

// The word is spread before it meets the lane: flipped top bits alone would cancel each other.
uint64_t mixed(uint64_t lane, uint64_t word) {
    word *= kWordFactor;
    word ^= word >> 32;
    return std::rotl(lane ^ word * kLaneFactor, 29) * kWordFactor;
}

}  // namespace

void Checksum::add(std::span<const std::byte> bytes) {
    const std::byte* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 32; left -= 32, at += 32) {
        std::array<uint64_t, 4> words;
        std::memcpy(words.data(), at, 32);
        for (size_t i = 0; i < 4; ++i) m_lanes[i] = mixed(m_lanes[i], words[i]);
    }
    std::array<uint64_t, 4> last = {};
    if (left > 0) std::memcpy(last.data(), at, left);
    for (size_t i = 0; i < 4; ++i) m_lanes[i] = mixed(m_lanes[i], last[i]);
    m_lanes[0] = mixed(m_lanes[0], bytes.size());
}

void Checksum::add(std::string_view text) {
    add(std::as_bytes(std::span(text)));
}

uint64_t Checksum::value() const {
    uint64_t joined = 0;
    for (const uint64_t lane : m_lanes) {
        joined = mixed(joined, lane);
        joined ^= joined >> 32;
    }
    return joined;
}

std::string Checksum::hex() const {
    return fmt::format("{:016x}", value());
}

}  // namespace dayrun::core
