// Body of sp_bpe_encoder.h: pieces become merge rules for the engine.
#include "core/tokens/sentencepiece/sp_bpe_encoder.h"

#include <algorithm>
#include <set>

#include "core/tokens/bpe/merges_of_pieces.h"
#include "core/tokens/bpe/space_words.h"
#include "core/tokens/bpe/unicode_class.h"
#include "core/tokens/sentencepiece/sp_model.h"

namespace dayrun::core {
namespace {

/// The higher the score the lower the rank; equal scores are equal ranks. -1 for other pieces.
std::vector<int32_t> ranks_of(const std::vector<SpPiece>& pieces) {
    std::vector<float> scores;
    for (const SpPiece& piece : pieces) {
        if (piece.type == SpPieceType::Normal) scores.push_back(piece.score);
    }
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    std::vector<int32_t> ranks;
    for (const SpPiece& piece : pieces) {
        const auto at =
            std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>());
        ranks.push_back(
            piece.type == SpPieceType::Normal ? static_cast<int32_t>(at - scores.begin()) : -1);
    }
    return ranks;
}

/// Appends `text` as the identity normalizer writes it: ' ' as "▁", invalid bytes as U+FFFD.
void append_escaped(std::string_view text, std::string& out) {
    for (size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == ' ') {
            out += kSpaceMark;
            ++at;
        } else if (static_cast<uint8_t>(c) < 0x80) {
            out += c;
            ++at;
        } else {
            const Utf8Char next = utf8_char(text, at);
            const bool is_invalid = next.size == 1;
            out += is_invalid ? std::string_view("\xEF\xBF\xBD") : text.substr(at, next.size);
            at += next.size;
        }
    }
}

}  // namespace

std::unique_ptr<SpBpeEncoder> SpBpeEncoder::make(std::string_view model_proto) {
    const auto model = read_sp_model(model_proto);
    if (!model || !model->is_bpe || model->has_normalizer_rules || model->has_space_suffix ||
        model->remove_extra_whitespaces || !model->escape_whitespaces) {
        return nullptr;
    }
    BpeVocab vocab;
    vocab.byte_fallback = model->byte_fallback;
    vocab.fuse_unk = true;
    std::set<std::string_view> seen;
    for (const SpPiece& piece : model->pieces) {
        if (piece.type == SpPieceType::UserDefined || piece.type == SpPieceType::Unused) {
            return nullptr;
        }
        if (!seen.insert(piece.text).second) return nullptr;
        if (piece.type == SpPieceType::Unknown)
            vocab.unk_id = static_cast<int32_t>(vocab.tokens.size());
        vocab.tokens.push_back(piece.text);
    }
    add_merges_of_pieces(vocab, ranks_of(model->pieces));
    return std::unique_ptr<SpBpeEncoder>(
        new SpBpeEncoder(std::move(vocab), model->add_dummy_prefix));
}

SpBpeEncoder::SpBpeEncoder(BpeVocab vocab, bool has_dummy_prefix)
    : m_model(std::move(vocab)),
      m_has_dummy_prefix(has_dummy_prefix),
      m_splits_at_spaces(can_split_at_spaces(m_model)) {}

void SpBpeEncoder::append(std::string_view text, bool adds_prefix,
                          std::vector<int32_t>& ids) const {
    if (text.empty()) return;
    const auto scratch = m_scratches.borrow();
    std::string& normalized = scratch->normalized;
    normalized.clear();
    if (adds_prefix && m_has_dummy_prefix) normalized += kSpaceMark;
    append_escaped(text, normalized);
    if (!m_splits_at_spaces) {
        m_model.encode_word(normalized, scratch->bpe, ids);
        return;
    }
    for_each_space_word(
        normalized, [&](std::string_view word) { m_model.encode_word(word, scratch->bpe, ids); });
}

}  // namespace dayrun::core
