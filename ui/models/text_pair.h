// Two texts that say partly the same, with the shared words marked: a row and the one that it
// repeats or overlaps with. Neighbours: core/data/curate/words.h cuts words, panels/text_pair_view
// draws. Plain functions: any thread.
#pragma once

#include <QString>
#include <string>
#include <utility>
#include <vector>

#include "core/data/sample.h"
#include "core/data/source_browser.h"

namespace dayrun::ui {

/// One part of a side: "Input", "Reply", …
struct PairPart {
    QString name;
    std::string text;
    std::vector<std::pair<size_t, size_t>> shared;  // [begin, end) in bytes, in order
};

struct PairSide {
    QString title;  // "dolly row 17"
    std::vector<PairPart> parts;
    QString problem;  // why there is no text
};

struct TextPair {
    PairSide left, right;
    int64_t sharedWords = 0;  // of the left side
};

std::vector<PairPart> pairParts(const core::Sample& sample);
/// The same of an evaluation row that no converter makes a sample of: every text in it, by name.
std::vector<PairPart> pairParts(const core::BrowsedRow& row);

/// Marks the stretches of at least `words` words in a row that both sides have (fewer where a side
/// has fewer in all), and parts that are equal as a whole.
void markShared(TextPair& pair, size_t words);

}  // namespace dayrun::ui
