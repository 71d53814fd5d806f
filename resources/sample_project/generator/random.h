// The generator's own random numbers, so that every machine writes the same bytes: the standard
// library's distributions differ between implementations. Beside it: text.h. Single thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace dayrun::sample_generator {

// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixing function, one word of state.
class Random {
  public:
    explicit Random(std::uint64_t seed) : m_state(seed) {}

    std::uint64_t next() {
        m_state += 0x9E3779B97F4A7C15ull;
        std::uint64_t mixed = m_state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
        return mixed ^ (mixed >> 31);
    }

    // Uniform in [0, bound); the bias of at most bound/2^32 does not matter for texts.
    std::size_t below(std::size_t bound) { return ((next() >> 32) * bound) >> 32; }

    // Uniform in [low, high], both ends included.
    int between(int low, int high) {
        return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1)));
    }

    bool chance(int percent) { return static_cast<int>(below(100)) < percent; }

    template <class T>
    const T& pick(const std::vector<T>& items) {
        return items[below(items.size())];
    }

    template <class T>
    void shuffle(std::vector<T>& items) {
        for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
    }

    // `count` different items in random order; count is at most items.size().
    template <class T>
    std::vector<T> sample(std::vector<T> items, std::size_t count) {
        shuffle(items);
        items.resize(count);
        return items;
    }

  private:
    std::uint64_t m_state;
};

}  // namespace dayrun::sample_generator
