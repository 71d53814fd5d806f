// Merging. Words of one size or another take one of two ways with the same result: a scan for the
// lowest rank, or a heap. See bpe_model.h.
#include "core/tokens/bpe/bpe_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

constexpr size_t kCacheEntries = size_t{1} << 14;
constexpr size_t kCachedBytes = 15;
constexpr size_t kShortWord = 40;  // symbols up to which a scan beats the heap
constexpr int32_t kNoRank = INT32_MAX;
constexpr uint32_t kLowChars = 0x10000;

uint64_t pair_key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

size_t mix(uint64_t value) {
    value *= 0x9E3779B97F4A7C15u;
    return static_cast<size_t>(value >> 29 ^ value >> 47);
}

}  // namespace

BpeScratch::BpeScratch() : m_cache(kCacheEntries) {}

BpeModel::BpeModel(BpeVocab vocab) : m_vocab(std::move(vocab)) {
    if (m_vocab.token_count == 0) m_vocab.token_count = static_cast<int32_t>(m_vocab.tokens.size());
    size_t capacity = 16;
    while (capacity < 2 * m_vocab.merges.size()) capacity *= 2;
    m_rules.resize(capacity);
    m_rule_mask = capacity - 1;
    for (const BpeMerge& merge : m_vocab.merges) {
        const uint64_t key = pair_key(merge.left, merge.right);
        size_t at = mix(key) & m_rule_mask;
        while (m_rules[at].pair != ~uint64_t{0} && m_rules[at].pair != key) {
            at = (at + 1) & m_rule_mask;
        }
        m_rules[at] = {key, {merge.rank, merge.merged}};
    }
    m_vocab.merges = {};

    m_byte_ids.fill(-1);
    if (!m_vocab.is_byte_level) m_low_chars.assign(kLowChars, -1);
    for (size_t id = 0; id < m_vocab.tokens.size(); ++id) {
        const std::string& token = m_vocab.tokens[id];
        if (token.empty()) continue;
        const auto number = static_cast<int32_t>(id);
        if (m_vocab.ignore_merges) m_words.emplace(token, number);
        if (m_vocab.is_byte_level) {
            if (token.size() == 1) m_byte_ids[static_cast<uint8_t>(token[0])] = number;
            continue;
        }
        const Utf8Char first = utf8_char(token, 0);
        if (first.size != token.size()) continue;
        if (first.code < kLowChars) {
            m_low_chars[first.code] = number;
        } else {
            m_high_chars[first.code] = number;
        }
    }
    if (m_vocab.is_byte_level || !m_vocab.byte_fallback) return;
    std::unordered_map<std::string_view, int32_t> ids;
    for (int32_t id = 0; id < m_vocab.token_count; ++id) {
        const std::string& token = m_vocab.tokens[static_cast<size_t>(id)];
        if (token.size() == 6 && token.starts_with("<0x")) ids[token] = id;
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
        const auto found = ids.find(fmt::format("<0x{:02X}>", byte));
        if (found != ids.end()) m_byte_ids[byte] = found->second;
    }
}

bool BpeModel::knows_all_bytes() const {
    if (!m_vocab.is_byte_level && !m_vocab.byte_fallback) return false;
    return std::find(m_byte_ids.begin(), m_byte_ids.end(), -1) == m_byte_ids.end();
}

const BpeModel::Rule* BpeModel::rule(int32_t left, int32_t right) const {
    const uint64_t key = pair_key(left, right);
    size_t at = mix(key) & m_rule_mask;
    while (true) {
        const Slot& slot = m_rules[at];
        if (slot.pair == key) return &slot.rule;
        if (slot.pair == ~uint64_t{0}) return nullptr;
        at = (at + 1) & m_rule_mask;
    }
}

int32_t BpeModel::symbol_of(uint32_t code) const {
    if (code < kLowChars) return m_low_chars[code];
    const auto found = m_high_chars.find(code);
    return found == m_high_chars.end() ? -1 : found->second;
}

void BpeModel::add_unknown(std::string_view character, std::vector<int32_t>& symbols) const {
    const bool has_bytes =
        m_vocab.byte_fallback && std::all_of(character.begin(), character.end(), [&](char c) {
            return m_byte_ids[static_cast<uint8_t>(c)] >= 0;
        });
    if (has_bytes) {
        for (const char c : character) symbols.push_back(m_byte_ids[static_cast<uint8_t>(c)]);
    } else if (m_vocab.unk_id >= 0) {
        symbols.push_back(m_vocab.unk_id);
    }
}

void BpeModel::start_symbols(std::string_view word, std::vector<int32_t>& symbols) const {
    symbols.clear();
    if (m_vocab.is_byte_level) {
        for (const char c : word) {
            const int32_t id = m_byte_ids[static_cast<uint8_t>(c)];
            if (id >= 0) {
                symbols.push_back(id);
            } else if (m_vocab.unk_id >= 0) {
                symbols.push_back(m_vocab.unk_id);
            }
        }
        return;
    }
    for (size_t at = 0; at < word.size();) {
        const Utf8Char next = utf8_char(word, at);
        const int32_t id = symbol_of(next.code);
        if (id >= 0) {
            symbols.push_back(id);
        } else {
            add_unknown(word.substr(at, next.size), symbols);
        }
        at += next.size;
    }
}

/// A scan for the lowest rank, again and again: nothing is faster for a handful of symbols.
void BpeModel::merge_short(BpeScratch& scratch) const {
    auto& symbols = scratch.m_symbols;
    auto& ranks = scratch.m_ranks;
    auto& merged = scratch.m_merged;
    size_t count = symbols.size();
    ranks.resize(count);
    merged.resize(count);
    const auto look_up = [&](size_t at) {
        const Rule* const found = at + 1 < count ? rule(symbols[at], symbols[at + 1]) : nullptr;
        ranks[at] = found != nullptr ? found->rank : kNoRank;
        merged[at] = found != nullptr ? found->merged : -1;
    };
    for (size_t i = 0; i < count; ++i) look_up(i);
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; ++i) {
            if (ranks[i] < ranks[best]) best = i;
        }
        if (ranks[best] == kNoRank) break;
        symbols[best] = merged[best];
        const auto erase = [&](std::vector<int32_t>& values, size_t at) {
            std::memmove(values.data() + at, values.data() + at + 1,
                         (count - at - 1) * sizeof(int32_t));
        };
        erase(symbols, best + 1);
        erase(ranks, best + 1);
        erase(merged, best + 1);
        --count;
        look_up(best);
        if (best > 0) look_up(best - 1);
    }
    symbols.resize(count);
}

/// A linked list of symbols and a heap of candidate pairs; a stale candidate no longer finds its
/// two symbols at its place.
void BpeModel::merge_long(BpeScratch& scratch) const {
    using Candidate = BpeScratch::Candidate;
    auto& nodes = scratch.m_nodes;
    auto& heap = scratch.m_heap;
    const auto count = static_cast<int32_t>(scratch.m_symbols.size());
    nodes.clear();
    heap.clear();
    for (int32_t i = 0; i < count; ++i) {
        nodes.push_back(
            {scratch.m_symbols[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
    }
    const auto is_later = [](const Candidate& a, const Candidate& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
    };
    const auto node = [&](int32_t at) -> BpeScratch::Node& {
        return nodes[static_cast<size_t>(at)];
    };
    const auto candidate = [&](int32_t at) {
        const int32_t next = node(at).next;
        if (next < 0) return false;
        const Rule* const found = rule(node(at).id, node(next).id);
        if (found == nullptr) return false;
        heap.push_back({found->rank, at, node(at).id, node(next).id, found->merged});
        return true;
    };
    for (int32_t i = 0; i < count; ++i) candidate(i);
    std::make_heap(heap.begin(), heap.end(), is_later);
    constexpr int32_t kGone = -2;
    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), is_later);
        const Candidate best = heap.back();
        heap.pop_back();
        auto& left = node(best.at);
        if (left.id != best.left || left.next < 0 || node(left.next).id != best.right) continue;
        auto& right = node(left.next);
        right.id = kGone;
        left.id = best.merged;
        left.next = right.next;
        if (left.next >= 0) node(left.next).previous = best.at;
        if (candidate(best.at)) std::push_heap(heap.begin(), heap.end(), is_later);
        if (left.previous >= 0 && candidate(left.previous)) {
            std::push_heap(heap.begin(), heap.end(), is_later);
        }
    }
    scratch.m_symbols.clear();
    for (int32_t at = count > 0 ? 0 : -1; at >= 0; at = node(at).next) {
        scratch.m_symbols.push_back(node(at).id);
    }
}

void BpeModel::output(const std::vector<int32_t>& symbols, std::vector<int32_t>& ids) const {
    const size_t first = ids.size();
    for (const int32_t symbol : symbols) {
        if (symbol >= m_vocab.token_count) {
            add_unknown(m_vocab.tokens[static_cast<size_t>(symbol)], ids);
        } else {
            ids.push_back(symbol);
        }
        const bool is_double = m_vocab.fuse_unk && ids.size() > first + 1 &&
                               ids.back() == m_vocab.unk_id &&
                               ids[ids.size() - 2] == m_vocab.unk_id;
        if (is_double) ids.pop_back();
    }
}

void BpeModel::encode_word(std::string_view word, BpeScratch& scratch,
                           std::vector<int32_t>& ids) const {
    if (word.empty()) return;
    BpeScratch::Cached* cached = nullptr;
    uint64_t key[2] = {0, 0};
    if (word.size() <= kCachedBytes) {
        std::memcpy(key, word.data(), word.size());
        key[1] |= static_cast<uint64_t>(word.size()) << 56;
        cached = &scratch.m_cache[mix(key[0] ^ (key[1] * 0xC2B2AE3D27D4EB4Fu)) % kCacheEntries];
        if (cached->low == key[0] && cached->high == key[1] && cached->count >= 0) {
            ids.insert(ids.end(), cached->ids.begin(), cached->ids.begin() + cached->count);
            return;
        }
    }
    const size_t before = ids.size();
    const auto whole = m_vocab.ignore_merges ? m_words.find(word) : m_words.end();
    if (whole != m_words.end()) {
        ids.push_back(whole->second);
    } else {
        start_symbols(word, scratch.m_symbols);
        if (scratch.m_symbols.size() <= kShortWord) {
            merge_short(scratch);
        } else {
            merge_long(scratch);
        }
        output(scratch.m_symbols, ids);
    }
    const size_t added = ids.size() - before;
    if (cached == nullptr || added > BpeScratch::kCachedIds) return;
    cached->low = key[0];
    cached->high = key[1];
    cached->count = static_cast<int32_t>(added);
    std::copy(ids.begin() + static_cast<ptrdiff_t>(before), ids.end(), cached->ids.begin());
}

}  // namespace dayrun::core
