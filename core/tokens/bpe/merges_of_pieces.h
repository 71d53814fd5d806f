// Merge rules for vocabularies that have none: two neighbours merge whenever their text together is
// a token (tiktoken ranks, sentencepiece scores). Any thread. Neighbour: bpe_model.h.
#pragma once

#include <string_view>
#include <vector>

#include "core/tokens/bpe/bpe_model.h"

namespace dayrun::core {

/// Adds to vocab.merges every split of every token into two symbols, at the token's rank
/// (ranks[id]; below 0: the token is not made by merging). By character, a character that is no
/// token of its own becomes a symbol behind vocab.token_count.
void add_merges_of_pieces(BpeVocab& vocab, const std::vector<int32_t>& ranks);

}  // namespace dayrun::core
