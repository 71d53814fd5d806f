// A sample's words as hashes, for near duplicates and overlap: lower case, without punctuation, so
// that spacing and case hide nothing. Kept in the token caches, so that neither search reads a file
// again. Neighbours: near_dedupe, overlap. Plain functions: any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/data/sample.h"

namespace dayrun::core {

/// Stands between an input and its reply; no word has this hash.
inline constexpr uint32_t kPartEnd = 0;

struct Word {
    uint32_t hash = 0;
    size_t begin = 0, end = 0;  // bytes in the text
};

/// Words of a UTF-8 text: runs of letters and digits, a Chinese or Japanese character alone.
std::vector<Word> words_of(std::string_view text);

/// The hashes of what two samples are compared by: the input (or the instruction of a sample
/// without input, since a task's instruction stands in all its samples) and the replies, kPartEnd
/// behind each; every turn of a dialogue but the system's; of finished ids the ids.
std::vector<uint32_t> compared_words(const Sample& sample);

}  // namespace dayrun::core
