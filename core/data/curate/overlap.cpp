// Rolling hashes over a row's words and the table of the evaluation set's. A gram never reaches
// over the border between an input and its reply. Neighbour: overlap.h.
#include "core/data/curate/overlap.h"

#include <algorithm>

#include "core/data/curate/words.h"

namespace dayrun::core {
namespace {

constexpr uint64_t kFactor = 0xF1357AEA2E62A9C5u;

uint64_t spread(uint64_t state) {
    state = (state ^ state >> 32) * 0x9E3779B97F4A7C15u;
    return state ^ state >> 29;
}

/// Calls `take(key, begin)` for each stretch of `length` words without a part's end.
template <typename Take>
void each_gram(std::span<const uint32_t> words, size_t length, const Take& take) {
    // What the word that falls out weighs: the newest one weighs kFactor, each older one more.
    uint64_t leaving = kFactor;
    for (size_t i = 0; i < length; ++i) leaving *= kFactor;
    uint64_t state = 0;
    size_t filled = 0;
    for (size_t at = 0; at < words.size(); ++at) {
        if (words[at] == kPartEnd) {
            state = 0;
            filled = 0;
            continue;
        }
        state = (state + words[at]) * kFactor;
        if (filled == length) {
            state -= words[at - length] * leaving;
        } else {
            ++filled;
        }
        if (filled == length) take(spread(state), at + 1 - length);
    }
}

/// All words of a short row at once; its length keeps it apart from longer ones.
uint64_t whole_key(std::span<const uint32_t> words) {
    uint64_t state = words.size();
    for (const uint32_t word : words) state = spread((state + word) * kFactor);
    return state;
}

size_t word_count(std::span<const uint32_t> words) {
    return words.size() - static_cast<size_t>(std::count(words.begin(), words.end(), kPartEnd));
}

}  // namespace

size_t KeyedRows::probe(uint64_t key) const {
    size_t place = (key >> 7) & (m_keys.size() - 1);
    while (m_heads[place] != kNone && m_keys[place] != key) {
        place = (place + 1) & (m_keys.size() - 1);
    }
    return place;
}

void KeyedRows::grow() {
    std::vector<uint64_t> keys(std::max<size_t>(64, 2 * m_keys.size()));
    std::vector<uint32_t> heads(keys.size(), kNone);
    keys.swap(m_keys);
    heads.swap(m_heads);
    for (size_t i = 0; i < keys.size(); ++i) {
        if (heads[i] == kNone) continue;
        const size_t place = probe(keys[i]);
        m_keys[place] = keys[i];
        m_heads[place] = heads[i];
    }
}

void KeyedRows::add(uint64_t key, uint32_t row) {
    if (4 * (m_used + 1) > 3 * m_keys.size()) grow();
    const size_t place = probe(key);
    if (m_heads[place] == kNone) {
        m_keys[place] = key;
        m_heads[place] = static_cast<uint32_t>(m_links.size());
        m_links.push_back({row, kNone});
        ++m_used;
        return;
    }
    Link& first = m_links[m_heads[place]];
    const uint32_t newest = first.next == kNone ? first.row : m_links[first.next].row;
    if (newest == row) return;
    const uint32_t next = first.next;
    first.next = static_cast<uint32_t>(m_links.size());
    m_links.push_back({row, next});
}

std::optional<size_t> KeyedRows::find(uint64_t key) const {
    if (m_keys.empty()) return std::nullopt;
    const size_t place = probe(key);
    if (m_heads[place] == kNone) return std::nullopt;
    return place;
}

uint32_t KeyedRows::first_row(size_t place) const {
    return m_links[m_heads[place]].row;
}

void KeyedRows::seal() {
    m_touched = std::make_unique<std::atomic<uint8_t>[]>(m_keys.size());
}

void KeyedRows::touch(size_t place) const {
    m_touched[place].store(1, std::memory_order_relaxed);
}

void KeyedRows::collect_touched(std::vector<uint8_t>& is_touched) const {
    for (size_t place = 0; place < m_keys.size(); ++place) {
        if (m_touched[place].load(std::memory_order_relaxed) == 0) continue;
        for (uint32_t link = m_heads[place]; link != kNone; link = m_links[link].next) {
            is_touched[m_links[link].row] = 1;
        }
    }
}

void OverlapIndex::add(std::optional<uint64_t> input_hash, std::span<const uint32_t> words) {
    const uint32_t row = m_rows++;
    if (input_hash) m_inputs.add(*input_hash, row);
    if (m_ngram == 0) return;
    const size_t count = word_count(words);
    if (count == 0) return;
    if (count < m_ngram) {
        m_grams.add(whole_key(words), row);
    } else {
        each_gram(words, m_ngram, [&](uint64_t key, size_t) { m_grams.add(key, row); });
    }
}

void OverlapIndex::seal() {
    m_inputs.seal();
    m_grams.seal();
}

std::optional<SharedWords> OverlapIndex::find(uint64_t input_hash,
                                              std::span<const uint32_t> words) const {
    std::optional<SharedWords> found;
    if (const auto place = m_inputs.find(input_hash)) {
        m_inputs.touch(*place);
        found = SharedWords{.row = m_inputs.first_row(*place), .is_exact = true};
    }
    const size_t count = m_ngram == 0 ? 0 : word_count(words);
    if (count == 0) return found;
    SharedWords best;
    if (count < m_ngram) {
        if (const auto place = m_grams.find(whole_key(words))) {
            m_grams.touch(*place);
            best = {.row = m_grams.first_row(*place), .end = static_cast<int32_t>(words.size())};
        }
    } else {
        SharedWords open;
        each_gram(words, m_ngram, [&](uint64_t key, size_t begin) {
            const auto place = m_grams.find(key);
            if (!place) return;
            m_grams.touch(*place);
            const auto end = static_cast<int32_t>(begin + m_ngram);
            if (open.end != end - 1 || open.end == 0) {
                open = {.row = m_grams.first_row(*place), .begin = static_cast<int32_t>(begin)};
            }
            open.end = end;
            if (open.end - open.begin > best.end - best.begin) best = open;
        });
    }
    if (best.end == 0) return found;
    if (found) {
        found->begin = best.begin;
        found->end = best.end;
        return found;
    }
    return best;
}

int64_t OverlapIndex::touched_rows(const KeyedRows& keyed) const {
    std::vector<uint8_t> is_touched(m_rows);
    keyed.collect_touched(is_touched);
    return std::count(is_touched.begin(), is_touched.end(), uint8_t{1});
}

int64_t OverlapIndex::exact_rows() const {
    return touched_rows(m_inputs);
}
int64_t OverlapIndex::ngram_rows() const {
    return touched_rows(m_grams);
}

}  // namespace dayrun::core
