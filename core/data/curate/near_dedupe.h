// Rows that say almost the same: MinHash signatures over groups of three words, candidates by
// locality-sensitive hashing, and each candidate checked by the exact Jaccard similarity of its
// word groups (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3).
// Same rows, threshold and seed: same answer, whatever the number of threads. Runs on the caller's
// thread and helpers that it joins.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

namespace dayrun::core {

/// Words of one group.
inline constexpr size_t kShingleWords = 3;

struct NearDuplicate {
    uint32_t row = 0;   // position in the list given
    uint32_t kept = 0;  // the earlier row that stays for it
    float similarity = 0;
};

struct NearOptions {
    double threshold = 0.8;
    uint64_t seed = 0;
    unsigned threads = 0;  // 0: worker_threads()
    std::stop_token stop = {};
};

/// The rows at least `threshold` similar to an earlier one that stays, in their order; of several
/// such earlier ones the most similar, then the first. `rows` are compared_words(). A pair at the
/// threshold is found with a probability above 0.999; a row without words is never a duplicate.
std::vector<NearDuplicate> find_near_duplicates(std::span<const std::span<const uint32_t>> rows,
                                                const NearOptions& options);

/// |A and B| / |A or B| over the word groups of two rows; 0 when one has no word.
double shingle_similarity(std::span<const uint32_t> a, std::span<const uint32_t> b);

}  // namespace dayrun::core
