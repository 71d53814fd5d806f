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

// Two products a word: the sum with the first carries a changed bit upwards, the turn brings it
// down again and the second spreads it, before the next word of the lane meets it.
uint64_t mixed(uint64_t lane, uint64_t word) {
    return std::rotl(lane + word * kWordFactor, 31) * kLaneFactor;
}

uint64_t word_at(const std::byte* at) {
    uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

}  // namespace

void Checksum::add(std::span<const std::byte> bytes) {
    const std::byte* at = bytes.data();
    size_t left = bytes.size();
    // Four plain variables: members would be stored at every word, since bytes may be anything, and
    // an array is computed with vectors, which have no such product.
    auto [a, b, c, d] = m_lanes;
    for (; left >= 32; left -= 32, at += 32) {
        a = mixed(a, word_at(at));
        b = mixed(b, word_at(at + 8));
        c = mixed(c, word_at(at + 16));
        d = mixed(d, word_at(at + 24));
    }
    m_lanes = {a, b, c, d};
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
