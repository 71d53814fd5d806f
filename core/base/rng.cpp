// PCG64 and what is drawn from it. Neighbour: rng.h.
#include "core/base/rng.h"

#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

namespace dayrun::core {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr Wide wide(uint64_t high, uint64_t low) {
    return (Wide{high} << 64) | low;
}
constexpr Wide kMultiplier = wide(2549297995355413924ULL, 4865540595714422341ULL);

// FNV-1a: only names a stream, so collisions would merely correlate two uses.
uint64_t stream_of(std::string_view name) {
    uint64_t hash = 14695981039346656037ULL;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return hash;
}

}  // namespace

Rng::Rng(uint64_t seed, uint64_t stream)
    : m_state(0), m_increment((wide(0x14057b7ef767814fULL, stream) << 1) | 1) {
    next();
    m_state += wide(seed, ~seed);
    next();
}

Rng::Rng(uint64_t seed, std::string_view stream_name) : Rng(seed, stream_of(stream_name)) {}

uint64_t Rng::next() {
    m_state = m_state * kMultiplier + m_increment;
    const auto high = static_cast<uint64_t>(m_state >> 64);
    return std::rotr(high ^ static_cast<uint64_t>(m_state), static_cast<int>(high >> 58));
}

uint64_t Rng::below(uint64_t bound) {
    Wide product = Wide{next()} * bound;
    if (static_cast<uint64_t>(product) < bound) {
        const uint64_t threshold = -bound % bound;
        while (static_cast<uint64_t>(product) < threshold) product = Wide{next()} * bound;
    }
    return static_cast<uint64_t>(product >> 64);
}

double Rng::uniform() {
    return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

double Rng::normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, std::string_view stream_name) {
    std::vector<uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0U);
    Rng(seed, stream_name).shuffle(std::span(order));
    return order;
}

}  // namespace dayrun::core
