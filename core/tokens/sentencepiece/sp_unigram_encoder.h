// The best path of sentencepiece's unigram models over a normalized text, so that ties between
// paths of equal probability fall as in the library's current version, whichever version is
// installed. Any thread. Neighbours: sp_model.h, sentencepiece_tokenizer.cpp (normalizes).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/tokens/sentencepiece/sp_model.h"

namespace dayrun::core {

class SpUnigramEncoder {
  public:
    /// Null when the bytes are no unigram model, or it falls back to bytes for unknown characters
    /// (the library's pieces then no longer hold the normalized text).
    static std::unique_ptr<SpUnigramEncoder> make(std::string_view model_proto);

    /// Appends the ids of a normalized text; unknown characters in a row are one unknown.
    void append(std::string_view normalized, std::vector<int32_t>& ids) const;

  private:
    explicit SpUnigramEncoder(SpModel model);

    SpModel m_model;
    std::unordered_map<std::string_view, int32_t> m_ids;  // into m_model.pieces
    size_t m_longest = 0;                                 // bytes of the longest piece
    int32_t m_unk_id = 0;
    float m_unk_score = 0;
    float m_max_score = 0;
};

}  // namespace dayrun::core
