// Which training rows also stand in an evaluation set: by the same input, or by n words in a row.
// Neighbours: words.h makes the rows' words, core/compile/cache/overlap_scan asks for every
// training row. add() belongs to one thread; find() may then be called from many.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace dayrun::core {

/// Keys, each with the rows that have it. Open addressing; 12 bytes a key and 8 a row.
class KeyedRows {
  public:
    void add(uint64_t key, uint32_t row);
    /// The place of a key, or nothing.
    std::optional<size_t> find(uint64_t key) const;
    /// The row that brought the key first.
    uint32_t first_row(size_t place) const;
    /// Remembers that a training row has this key; any thread.
    void touch(size_t place) const;
    /// Sets is_touched[row] for every row with a touched key.
    void collect_touched(std::vector<uint8_t>& is_touched) const;
    /// Behind the last add(), before touch(); forgets every touch.
    void seal();

  private:
    struct Link {
        uint32_t row, next;
    };
    static constexpr uint32_t kNone = UINT32_MAX;
    size_t probe(uint64_t key) const;
    void grow();

    std::vector<uint64_t> m_keys;
    std::vector<uint32_t> m_heads;  // kNone: the place is free
    std::vector<Link> m_links;      // the first one of a chain is the row that came first
    size_t m_used = 0;
    std::unique_ptr<std::atomic<uint8_t>[]> m_touched;
};

/// What one training row shares with an evaluation set.
struct SharedWords {
    uint32_t row = 0;  // of the set
    bool is_exact = false;
    int32_t begin = 0, end = 0;  // words of the training row; empty when only the input is equal
};

class OverlapIndex {
  public:
    /// `ngram` words in a row make a hit; 0: only equal inputs do.
    explicit OverlapIndex(int64_t ngram) : m_ngram(static_cast<size_t>(ngram)) {}

    /// The next row of the set. A row of fewer than `ngram` words counts by all of them.
    void add(std::optional<uint64_t> input_hash, std::span<const uint32_t> words);
    /// Behind the last add(), before find(); again to forget what find() has met.
    void seal();
    uint32_t row_count() const { return m_rows; }

    /// The longest stretch that a training row shares with one row of the set, or nothing.
    std::optional<SharedWords> find(uint64_t input_hash, std::span<const uint32_t> words) const;

    /// Rows of the set that find() has met, by equal input and by words.
    int64_t exact_rows() const;
    int64_t ngram_rows() const;

  private:
    int64_t touched_rows(const KeyedRows& keyed) const;

    size_t m_ngram;
    uint32_t m_rows = 0;
    KeyedRows m_inputs, m_grams;
};

}  // namespace dayrun::core
