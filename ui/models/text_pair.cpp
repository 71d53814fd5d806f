// Word by word, as the searches for duplicates and overlap compare: without case and punctuation.
#include "ui/models/text_pair.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "core/data/curate/words.h"
#include "ui/look/text.h"
#include "ui/models/sample_text.h"

namespace dayrun::ui {
namespace {

using Words = std::vector<core::Word>;

/// Words of every part, and which of them are shared.
struct WordSide {
    std::vector<Words> parts;
    std::vector<std::vector<bool>> is_shared;

    explicit WordSide(const PairSide& side) {
        for (const PairPart& part : side.parts) {
            parts.push_back(core::words_of(part.text));
            is_shared.emplace_back(parts.back().size());
        }
    }
    size_t count() const {
        size_t words = 0;
        for (const Words& part : parts) words += part.size();
        return words;
    }
};

uint64_t hashOf(const Words& part, size_t begin, size_t count) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = begin; i < begin + count; ++i) hash = (hash ^ part[i].hash) * 0x100000001B3u;
    return hash;
}

/// Calls `take(part, begin)` for each stretch of `words` words.
template <typename Take>
void eachGram(const WordSide& side, size_t words, const Take& take) {
    for (size_t part = 0; part < side.parts.size(); ++part) {
        for (size_t begin = 0; begin + words <= side.parts[part].size(); ++begin) {
            take(part, begin);
        }
    }
}

void markGrams(WordSide& side, const WordSide& other, size_t words) {
    std::unordered_set<uint64_t> known;
    eachGram(other, words, [&](size_t part, size_t begin) {
        known.insert(hashOf(other.parts[part], begin, words));
    });
    eachGram(side, words, [&](size_t part, size_t begin) {
        if (!known.contains(hashOf(side.parts[part], begin, words))) return;
        std::fill_n(side.is_shared[part].begin() + static_cast<std::ptrdiff_t>(begin), words, true);
    });
}

void markEqualParts(WordSide& side, const WordSide& other) {
    std::set<std::pair<size_t, uint64_t>> known;
    for (const Words& part : other.parts) known.emplace(part.size(), hashOf(part, 0, part.size()));
    for (size_t i = 0; i < side.parts.size(); ++i) {
        const Words& part = side.parts[i];
        if (!known.contains({part.size(), hashOf(part, 0, part.size())})) continue;
        side.is_shared[i].assign(part.size(), true);
    }
}

/// Marked words as stretches of the text: neighbours become one.
int64_t fill(PairSide& side, const WordSide& words) {
    int64_t shared = 0;
    for (size_t i = 0; i < side.parts.size(); ++i) {
        bool was_shared = false;
        auto& stretches = side.parts[i].shared;
        stretches.clear();
        for (size_t k = 0; k < words.parts[i].size(); ++k) {
            const bool is_shared = words.is_shared[i][k];
            const core::Word& word = words.parts[i][k];
            if (is_shared && was_shared) stretches.back().second = word.end;
            if (is_shared && !was_shared) stretches.emplace_back(word.begin, word.end);
            was_shared = is_shared;
            shared += is_shared ? 1 : 0;
        }
    }
    return shared;
}

void addTexts(const core::Value& value, const QString& name, std::vector<PairPart>& parts) {
    if (value.is_string()) parts.push_back({name, std::string(value.string()), {}});
    for (const core::Value& item : value.array()) addTexts(item, name, parts);
    for (const core::Member& member : value.object()) {
        addTexts(member.value, toQt(member.name), parts);
    }
}

}  // namespace

std::vector<PairPart> pairParts(const core::Sample& sample) {
    std::vector<PairPart> parts;
    for (const SamplePart& part : sampleParts(sample)) {
        parts.push_back({part.name, toStd(part.text), {}});
    }
    return parts;
}

std::vector<PairPart> pairParts(const core::BrowsedRow& row) {
    std::vector<PairPart> parts;
    for (const core::Sample& sample : row.samples) {
        for (PairPart& part : pairParts(sample)) parts.push_back(std::move(part));
    }
    if (parts.empty()) addTexts(row.value, {}, parts);
    return parts;
}

void markShared(TextPair& pair, size_t words) {
    WordSide left(pair.left);
    WordSide right(pair.right);
    words = std::min({words, left.count(), right.count()});
    if (words > 0) {
        markGrams(left, right, words);
        markGrams(right, left, words);
    }
    markEqualParts(left, right);
    markEqualParts(right, left);
    pair.sharedWords = fill(pair.left, left);
    fill(pair.right, right);
}

}  // namespace dayrun::ui
