// Body of sp_unigram_encoder.h: the best path from left to right.
#include "core/tokens/sentencepiece/sp_unigram_encoder.h"

#include <algorithm>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

/// The best way to reach one end in the text.
struct Best {
    int32_t id = -1;
    int64_t from = -1;
    float score = 0;
};

void improve(Best& best, int32_t id, size_t from, float score) {
    if (best.from >= 0 && !(score > best.score)) return;
    best = {id, static_cast<int64_t>(from), score};
}

}  // namespace

std::unique_ptr<SpUnigramEncoder> SpUnigramEncoder::make(std::string_view model_proto) {
    auto model = read_sp_model(model_proto);
    if (!model || !model->is_unigram || model->byte_fallback) return nullptr;
    return std::unique_ptr<SpUnigramEncoder>(new SpUnigramEncoder(*std::move(model)));
}

SpUnigramEncoder::SpUnigramEncoder(SpModel model) : m_model(std::move(model)) {
    constexpr float kUnknownPenalty = 10;
    float lowest = 0;
    bool has_score = false;
    for (size_t i = 0; i < m_model.pieces.size(); ++i) {
        const SpPiece& piece = m_model.pieces[i];
        const auto id = static_cast<int32_t>(i);
        if (piece.type == SpPieceType::Unknown) m_unk_id = id;
        if (piece.type == SpPieceType::Normal) {
            lowest = has_score ? std::min(lowest, piece.score) : piece.score;
            m_max_score = has_score ? std::max(m_max_score, piece.score) : piece.score;
            has_score = true;
        }
        if (piece.type == SpPieceType::Normal || piece.type == SpPieceType::UserDefined) {
            m_ids.emplace(piece.text, id);
            m_longest = std::max(m_longest, piece.text.size());
        }
    }
    m_unk_score = lowest - kUnknownPenalty;
}

void SpUnigramEncoder::append(std::string_view normalized, std::vector<int32_t>& ids) const {
    std::vector<Best> ends(normalized.size() + 1);
    for (size_t from = 0; from < normalized.size();) {
        const float so_far = ends[from].score;
        const size_t first = utf8_char(normalized, from).size;
        bool has_first = false;
        const size_t most = std::min(m_longest, normalized.size() - from);
        for (size_t length = first; length <= most;) {
            const auto found = m_ids.find(normalized.substr(from, length));
            if (found != m_ids.end()) {
                const SpPiece& piece = m_model.pieces[static_cast<size_t>(found->second)];
                // A user-defined piece wins over every other path.
                const float score = piece.type == SpPieceType::UserDefined
                                        ? static_cast<float>(length) * m_max_score - 0.1f
                                        : piece.score;
                improve(ends[from + length], found->second, from, so_far + score);
                has_first = has_first || length == first;
            }
            if (from + length >= normalized.size()) break;
            length += utf8_char(normalized, from + length).size;
        }
        if (!has_first) improve(ends[from + first], m_unk_id, from, so_far + m_unk_score);
        from += first;
    }
    std::vector<int32_t> path;
    for (auto at = static_cast<int64_t>(normalized.size()); at > 0;) {
        const Best& best = ends[static_cast<size_t>(at)];
        // Unknown characters in a row are one unknown.
        const bool is_double = best.id == m_unk_id && !path.empty() && path.back() == m_unk_id;
        if (!is_double) path.push_back(best.id);
        at = best.from;
    }
    ids.insert(ids.end(), path.rbegin(), path.rend());
}

}  // namespace dayrun::core
