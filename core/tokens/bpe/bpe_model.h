// The merge engine of every BPE vocabulary: byte-level or by character, from merge rules, ranks or
// sentencepiece scores. Any thread: the model is const, each call brings its own scratch.
// Neighbours: tokenizer_json.cpp, tiktoken_tokenizer.cpp, sp_bpe_encoder.cpp build one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dayrun::core {

/// Two symbols side by side become one; the lowest rank goes first, ties leftmost.
struct BpeMerge {
    int32_t left = 0;
    int32_t right = 0;
    int32_t rank = 0;
    int32_t merged = 0;
};

/// What a file gives. Ids are indexes of `tokens`.
struct BpeVocab {
    std::vector<std::string> tokens;  // byte-level: the raw bytes; "" where there is no such id
    std::vector<BpeMerge> merges;
    bool is_byte_level = false;  // words start from bytes instead of characters
    bool byte_fallback = false;  // an unknown character becomes its bytes "<0xXX>"
    bool fuse_unk = false;       // unknown characters in a row are one unknown
    bool ignore_merges = false;  // a word that is a token is that token, merged or not
    int32_t unk_id = -1;
    // Ids from here on are symbols for merging only; where one is left over, it is unknown.
    int32_t token_count = 0;
};

/// Buffers and the cache of one caller; kept from call to call for speed, never shared.
class BpeScratch {
  public:
    BpeScratch();

  private:
    friend class BpeModel;
    static constexpr size_t kCachedIds = 5;
    struct Cached {
        uint64_t low = 0, high = 0;  // the word's bytes, its length in the top byte
        int32_t count = -1;
        std::array<int32_t, kCachedIds> ids{};
    };
    struct Node {
        int32_t id, previous, next;
    };
    struct Candidate {
        int32_t rank, at, left, right, merged;
    };
    std::vector<Cached> m_cache;
    std::vector<int32_t> m_symbols, m_ranks, m_merged;
    std::vector<Node> m_nodes;
    std::vector<Candidate> m_heap;
};

class BpeModel {
  public:
    explicit BpeModel(BpeVocab vocab);
    BpeModel(const BpeModel&) = delete;

    /// Appends the ids of one word (a pre-token). Any length: long words cost n log n.
    void encode_word(std::string_view word, BpeScratch& scratch, std::vector<int32_t>& ids) const;

    const BpeVocab& vocab() const { return m_vocab; }
    /// Every character has an id or bytes, so nothing ever becomes unknown.
    bool knows_all_bytes() const;

  private:
    struct Rule {
        int32_t rank = -1;
        int32_t merged = -1;
    };
    struct Slot {
        uint64_t pair = ~uint64_t{0};
        Rule rule;
    };
    const Rule* rule(int32_t left, int32_t right) const;
    void start_symbols(std::string_view word, std::vector<int32_t>& symbols) const;
    void merge_short(BpeScratch& scratch) const;
    void merge_long(BpeScratch& scratch) const;
    void output(const std::vector<int32_t>& symbols, std::vector<int32_t>& ids) const;
    void add_unknown(std::string_view character, std::vector<int32_t>& symbols) const;
    int32_t symbol_of(uint32_t code) const;

    BpeVocab m_vocab;
    std::vector<Slot> m_rules;  // open addressing, a power of two
    size_t m_rule_mask = 0;
    std::array<int32_t, 256> m_byte_ids{};  // byte-level symbols, or "<0xXX>"
    std::vector<int32_t> m_low_chars;       // below U+10000
    std::unordered_map<uint32_t, int32_t> m_high_chars;
    std::unordered_map<std::string_view, int32_t> m_words;  // with ignore_merges
};

}  // namespace dayrun::core
