// Signatures block by block on all cores, then one pass in file order that asks the index of the
// rows kept so far. Neighbours: words.h makes the rows, core/compile/cache/duplicates folds them.
#include "core/data/curate/near_dedupe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <thread>

#include "core/base/rng.h"
#include "core/device/worker_threads.h"

// The widest vectors of the machine, chosen when the program starts; the numbers are the same.
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define DAYRUN_WIDE \
    __attribute__((optimize("O3"), target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DAYRUN_WIDE
#endif

namespace dayrun::core {
namespace {

constexpr size_t kHashes = 128;          // of one signature
constexpr size_t kBlockRows = 16384;     // signatures held at once
constexpr int kMostInChain = 64;         // kept rows looked at for one band of one row
constexpr double kEstimateSlack = 0.15;  // four standard errors of the estimate at 128 hashes
constexpr double kWantedRecall = 0.999;  // of a pair exactly at the threshold

using Signature = std::array<uint32_t, kHashes>;
/// The low byte of each minimum: enough to estimate a similarity.
using Sketch = std::array<uint8_t, kHashes>;

uint32_t mixed(uint64_t value) {
    value = (value ^ value >> 32) * 0xD6E8FEB86659FD93u;
    return static_cast<uint32_t>((value ^ value >> 32) * 0xD6E8FEB86659FD93u >> 32);
}

/// A hash of each group of kShingleWords words; of a shorter row one over all its words.
std::vector<uint32_t> shingles(std::span<const uint32_t> words) {
    std::vector<uint32_t> found;
    if (words.empty()) return found;
    const size_t length = std::min(words.size(), kShingleWords);
    found.reserve(words.size() - length + 1);
    for (size_t begin = 0; begin + length <= words.size(); ++begin) {
        uint64_t state = length;
        for (size_t i = 0; i < length; ++i) {
            state = (state + words[begin + i]) * 0x9E3779B97F4A7C15u;
            state ^= state >> 29;
        }
        found.push_back(mixed(state));
    }
    return found;
}

std::vector<uint32_t> shingle_set(std::span<const uint32_t> words) {
    std::vector<uint32_t> set = shingles(words);
    std::sort(set.begin(), set.end());
    set.erase(std::unique(set.begin(), set.end()), set.end());
    return set;
}

double similarity_of(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
    size_t common = 0;
    for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        if (a[i] == b[j]) {
            ++common;
            ++i;
            ++j;
        } else if (a[i] < b[j]) {
            ++i;
        } else {
            ++j;
        }
    }
    const size_t all = a.size() + b.size() - common;
    return all == 0 || common == 0 ? 0 : static_cast<double>(common) / static_cast<double>(all);
}

/// Word groups are hashed already, so an odd factor and a summand make another order of them.
struct Hashes {
    Signature factors, summands;
    explicit Hashes(uint64_t seed) {
        Rng rng(seed, "minhash");
        for (size_t i = 0; i < kHashes; ++i) {
            factors[i] = static_cast<uint32_t>(rng.next()) | 1u;
            summands[i] = static_cast<uint32_t>(rng.next());
        }
    }
};

DAYRUN_WIDE void add_minima(const uint32_t* groups, size_t count, const uint32_t* factors,
                            const uint32_t* summands, uint32_t* minima) {
    for (size_t group = 0; group < count; ++group) {
        const uint32_t value = groups[group];
        for (size_t i = 0; i < kHashes; ++i) {
            const uint32_t hash = value * factors[i] + summands[i];
            minima[i] = hash < minima[i] ? hash : minima[i];
        }
    }
}

DAYRUN_WIDE uint32_t equal_bytes(const uint8_t* a, const uint8_t* b) {
    uint32_t equal = 0;
    for (size_t i = 0; i < kHashes; ++i) equal += a[i] == b[i] ? 1 : 0;
    return equal;
}

/// How a signature is cut: two rows are candidates when one band of `rows` hashes agrees.
struct Bands {
    size_t rows = 1, count = kHashes;

    static double recall(double similarity, size_t rows) {
        const double band = std::pow(similarity, static_cast<double>(rows));
        const size_t bands = kHashes / rows;
        return 1 - std::pow(1 - band, static_cast<double>(bands));
    }
    /// The longest bands, so the fewest false candidates, that still find pairs at the threshold.
    static Bands for_threshold(double threshold) {
        size_t rows = 1;
        while (rows < 16 && recall(threshold, rows + 1) >= kWantedRecall) ++rows;
        return {rows, kHashes / rows};
    }
};

/// What the sequential pass needs of one row.
struct RowKeys {
    Sketch sketch;
    std::vector<uint32_t> bands;
};

RowKeys keys_of(std::span<const uint32_t> words, const Hashes& hashes, const Bands& bands) {
    Signature minima;
    minima.fill(UINT32_MAX);
    const std::vector<uint32_t> groups = shingles(words);
    add_minima(groups.data(), groups.size(), hashes.factors.data(), hashes.summands.data(),
               minima.data());
    RowKeys keys;
    for (size_t i = 0; i < kHashes; ++i) keys.sketch[i] = static_cast<uint8_t>(minima[i]);
    keys.bands.reserve(bands.count);
    for (size_t band = 0; band < bands.count; ++band) {
        uint64_t state = band;
        for (size_t i = 0; i < bands.rows; ++i) {
            state = (state + minima[band * bands.rows + i]) * 0x9E3779B97F4A7C15u;
            state ^= state >> 31;
        }
        keys.bands.push_back(mixed(state));
    }
    return keys;
}

/// Kept rows by their bands: heads of chains, newest first.
class KeptRows {
  public:
    KeptRows(size_t row_count, const Bands& bands)
        : m_bands(bands),
          m_heads(std::bit_ceil(std::max<size_t>(row_count * bands.count, 64)), kNone) {}

    void add(uint32_t row, const RowKeys& keys) {
        const auto kept = static_cast<uint32_t>(m_rows.size());
        m_rows.push_back(row);
        m_sketches.push_back(keys.sketch);
        m_seen.push_back(kNone);
        for (size_t band = 0; band < m_bands.count; ++band) {
            uint32_t& head = m_heads[slot(keys.bands[band])];
            m_next.push_back(head);
            head = static_cast<uint32_t>(kept * m_bands.count + band);
        }
    }

    /// Kept rows that share a band with `row` and may be similar enough, each once.
    void candidates(uint32_t row, const RowKeys& keys, double threshold,
                    std::vector<uint32_t>& found) {
        found.clear();
        // A byte of two different minima agrees once in 256 times.
        const double least = std::max(0.0, threshold - kEstimateSlack);
        const auto wanted = static_cast<uint32_t>(least * static_cast<double>(kHashes));
        for (size_t band = 0; band < m_bands.count; ++band) {
            int looked_at = 0;
            uint32_t link = m_heads[slot(keys.bands[band])];
            for (; link != kNone && looked_at < kMostInChain; link = m_next[link], ++looked_at) {
                const auto kept = static_cast<uint32_t>(link / m_bands.count);
                if (m_seen[kept] == row) continue;
                m_seen[kept] = row;
                if (equal_bytes(keys.sketch.data(), m_sketches[kept].data()) >= wanted) {
                    found.push_back(m_rows[kept]);
                }
            }
        }
    }

  private:
    static constexpr uint32_t kNone = UINT32_MAX;
    size_t slot(uint32_t key) const {
        return (uint64_t{key} * 0x9E3779B97F4A7C15u >> 20) & (m_heads.size() - 1);
    }

    Bands m_bands;
    std::vector<uint32_t> m_heads, m_next;  // links: kept row * bands + band
    std::vector<uint32_t> m_rows, m_seen;
    std::vector<Sketch> m_sketches;
};

/// keys_of() for rows [begin, begin + out.size()), on all cores.
void make_keys(std::span<const std::span<const uint32_t>> rows, size_t begin, const Hashes& hashes,
               const Bands& bands, unsigned threads, std::vector<RowKeys>& out) {
    const auto work = [&](size_t worker) {
        for (size_t i = worker; i < out.size(); i += threads) {
            out[i] = keys_of(rows[begin + i], hashes, bands);
        }
    };
    std::vector<std::jthread> helpers;
    for (unsigned worker = 1; worker < threads; ++worker) helpers.emplace_back(work, worker);
    work(0);
}

}  // namespace

double shingle_similarity(std::span<const uint32_t> a, std::span<const uint32_t> b) {
    return similarity_of(shingle_set(a), shingle_set(b));
}

std::vector<NearDuplicate> find_near_duplicates(std::span<const std::span<const uint32_t>> rows,
                                                const NearOptions& options) {
    const Hashes hashes(options.seed);
    const Bands bands = Bands::for_threshold(options.threshold);
    const unsigned threads =
        options.threads > 0 ? options.threads : static_cast<unsigned>(worker_threads());
    KeptRows kept(rows.size(), bands);
    std::vector<NearDuplicate> duplicates;
    std::vector<RowKeys> keys;
    std::vector<uint32_t> candidates;
    for (size_t begin = 0; begin < rows.size(); begin += kBlockRows) {
        if (options.stop.stop_requested()) break;
        keys.resize(std::min(kBlockRows, rows.size() - begin));
        make_keys(rows, begin, hashes, bands, threads, keys);
        for (size_t i = 0; i < keys.size(); ++i) {
            const auto row = static_cast<uint32_t>(begin + i);
            if (rows[row].empty()) continue;
            kept.candidates(row, keys[i], options.threshold, candidates);
            NearDuplicate best{.row = row};
            const auto own = candidates.empty() ? std::vector<uint32_t>() : shingle_set(rows[row]);
            for (const uint32_t other : candidates) {
                const double similarity = similarity_of(own, shingle_set(rows[other]));
                const auto found = static_cast<float>(similarity);
                if (similarity < options.threshold || found < best.similarity) continue;
                if (found == best.similarity && other > best.kept) continue;
                best = {.row = row, .kept = other, .similarity = found};
            }
            if (best.similarity > 0) {
                duplicates.push_back(best);
            } else {
                kept.add(row, keys[i]);
            }
        }
    }
    return duplicates;
}

}  // namespace dayrun::core
