// Cutting text in which spaces are written "▁" into words that no merge can join, so that the word
// cache works for vocabularies without a pre-tokenizer. Any thread.
// Neighbours: sp_bpe_encoder.cpp, pre_tokenizer.cpp.
#pragma once

#include <string_view>

#include "core/tokens/bpe/bpe_model.h"

namespace dayrun::core {

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581 '▁'

/// Whether every token holds "▁" only at its beginning. Then nothing merges across a place where
/// "▁" follows another character, and words between such places can be encoded alone. It takes an
/// alphabet without unknowns too, since those may be fused across words.
bool can_split_at_spaces(const BpeModel& model);

/// Calls take(word) for each run of "▁" with what follows it up to the next "▁".
template <typename Take>
void for_each_space_word(std::string_view text, Take take) {
    size_t begin = 0;
    while (begin < text.size()) {
        size_t at = begin;
        while (text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
        size_t end = text.find(kSpaceMark, at);
        if (end == std::string_view::npos) end = text.size();
        take(text.substr(begin, end - begin));
        begin = end;
    }
}

}  // namespace dayrun::core
