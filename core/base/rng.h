// The one source of randomness of the data path: PCG64 (XSL-RR 128/64, O'Neill 2014), seeded by
// (seed, stream), with unbiased bounded integers (Lemire 2019) and a Fisher-Yates permutation.
// The same numbers on every machine and compiler. One Rng per thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace dayrun::core {

class Rng {
  public:
    /// Generators of one seed with different streams are independent.
    explicit Rng(uint64_t seed, uint64_t stream = 0);
    /// The stream named by a text, so that every use ("shuffle", "split", …) has its own.
    Rng(uint64_t seed, std::string_view stream_name);

    uint64_t next();
    /// Uniform in [0, bound); bound > 0.
    uint64_t below(uint64_t bound);
    /// Uniform in [0, 1) with 53 bits.
    double uniform();
    /// Standard normal (Box-Muller, one value a call).
    double normal();

    template <typename T>
    void shuffle(std::span<T> values) {
        for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
    }

  private:
    __extension__ using Wide = unsigned __int128;
    Wide m_state;
    Wide m_increment;
};

/// The numbers 0..count-1 in the order that (seed, stream_name) gives.
std::vector<uint32_t> permutation(uint32_t count, uint64_t seed, std::string_view stream_name);

}  // namespace dayrun::core
