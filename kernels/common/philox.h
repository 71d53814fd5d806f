// Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): random
// numbers as a function of a counter and a key, so a mask can be drawn again at any time, for any
// range, on any number of threads and on any device.
// Neighbours: dropout, neftune. Any thread; C++17, so that nvcc compiles it too.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

constexpr uint32_t kPhiloxMultiplier0 = 0xD2511F53u;
constexpr uint32_t kPhiloxMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9u;
constexpr uint32_t kPhiloxWeyl1 = 0xBB67AE85u;

struct PhiloxWords {
    uint32_t word[4];
};

/// The four random words of one counter under a 64-bit key.
DAYRUN_HOST_DEVICE inline PhiloxWords philox(PhiloxWords counter, uint64_t key) {
    uint32_t key0 = static_cast<uint32_t>(key);
    uint32_t key1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64_t a = static_cast<uint64_t>(kPhiloxMultiplier0) * counter.word[0];
        const uint64_t b = static_cast<uint64_t>(kPhiloxMultiplier1) * counter.word[2];
        counter = {
            {static_cast<uint32_t>(b >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(b),
             static_cast<uint32_t>(a >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(a)}};
        key0 += kPhiloxWeyl0;
        key1 += kPhiloxWeyl1;
    }
    return counter;
}

/// Names one stream of random elements: `seed` is the run's, `stream` says what the numbers are
/// for (for example step, micro-batch, layer and module packed into 64 bits by the caller).
struct RandomStream {
    uint64_t seed = 0;
    uint64_t stream = 0;
};

/// Word n of a stream is word w of the counter c, with c = (n / 64) * 16 + n % 16 and
/// w = (n % 64) / 16: sixteen neighbours come from sixteen counters, which suits vectors and warps.
constexpr int64_t kPhiloxBlock = 64;
DAYRUN_HOST_DEVICE inline uint32_t random_word(RandomStream from, int64_t index) {
    const uint64_t n = static_cast<uint64_t>(index);
    const uint64_t counter = (n / 64) * 16 + n % 16;
    const PhiloxWords words =
        philox({{static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                 static_cast<uint32_t>(from.stream), static_cast<uint32_t>(from.stream >> 32)}},
               from.seed);
    return words.word[(n % 64) / 16];
}

/// Half n of a stream (16 bits) for uses that need no more: 128 halves lie in 64 words, the lower
/// halves first.
DAYRUN_HOST_DEVICE inline uint32_t random_half(RandomStream from, int64_t index) {
    const uint32_t word = random_word(from, index / 128 * 64 + index % 64);
    return index % 128 < 64 ? word & 0xffffu : word >> 16;
}

/// A word as a number in [0, 1) with 24 bits.
DAYRUN_HOST_DEVICE inline float unit_float(uint32_t word) {
    return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

}  // namespace dayrun::kernels
