// The walk of pipeline_tokenizer.h: split out added tokens, normalize, split again, cut, merge.
#include "core/tokens/pipeline/pipeline_tokenizer.h"

#include <algorithm>
#include <unordered_map>

#include "core/tokens/bpe/scratch_pool.h"
#include "core/tokens/bpe/space_words.h"
#include "core/tokens/pipeline/byte_level.h"

namespace dayrun::core {
namespace {

class PipelineTokenizer final : public Tokenizer {
  public:
    explicit PipelineTokenizer(PipelineParts parts);

    std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override;
    std::string decode(const std::vector<int32_t>& ids) const override {
        return decode(ids, SpecialPieces::Vanish);
    }
    std::string decode_with_specials(const std::vector<int32_t>& ids) const override {
        return decode(ids, SpecialPieces::Show);
    }
    std::string piece(int32_t id) const override;
    int32_t vocab_size() const override { return m_vocab_size; }
    std::optional<int32_t> bos_id() const override { return m_bos_id; }
    std::optional<int32_t> eos_id() const override { return m_eos_id; }
    bool adds_bos() const override {
        return m_bos_id && std::find(m_prefix.begin(), m_prefix.end(), *m_bos_id) != m_prefix.end();
    }
    std::optional<int32_t> special_id(std::string_view text) const override;
    std::vector<SpecialMatch> find_specials(std::string_view text) const override;
    std::vector<int32_t> encode_inside(std::string_view text, TextBefore before) const override;
    const std::string& fingerprint() const override { return m_fingerprint; }

  private:
    enum class SpecialPieces { Vanish, Show };
    struct Scratch {
        BpeScratch bpe;
        Words words;
        std::string normalized;
    };
    struct Listed {
        std::string text;
        std::string decoded;  // as it is looked for: normalized where the token is
        bool is_special = false;
    };
    std::string decode(const std::vector<int32_t>& ids, SpecialPieces specials) const;
    /// Where a piece stands in its text: only the first one has a space put before it by Metaspace,
    /// and one behind other text not even by the normalizer.
    enum class Place { First, Later, Inside };
    void encode_piece(std::string_view piece, Place place, SpecialText special, Scratch& scratch,
                      std::vector<int32_t>& ids) const;
    void encode_words(std::string_view text, bool is_first, Scratch& scratch,
                      std::vector<int32_t>& ids) const;

    Normalizer m_normalizer;
    PreTokenizer m_pre_tokenizer;
    TokenDecoder m_decoder;
    BpeModel m_model;
    AddedTokenFinder m_raw_tokens, m_normalized_tokens;
    AddedTokenFinder m_all_tokens;                 // as they are written, for find_specials
    std::unordered_map<int32_t, Listed> m_listed;  // tokens whose text is not the vocabulary's
    std::vector<int32_t> m_prefix, m_suffix;
    std::optional<int32_t> m_bos_id, m_eos_id;
    int32_t m_vocab_size = 0;
    bool m_splits_at_spaces;
    std::string m_fingerprint;
    mutable ScratchPool<Scratch> m_scratches;
};

PipelineTokenizer::PipelineTokenizer(PipelineParts parts)
    : m_normalizer(std::move(parts.normalizer)),
      m_pre_tokenizer(std::move(parts.pre_tokenizer)),
      m_decoder(std::move(parts.decoder)),
      m_model(std::move(parts.vocab)),
      m_prefix(std::move(parts.prefix)),
      m_suffix(std::move(parts.suffix)),
      m_bos_id(parts.bos_id),
      m_eos_id(parts.eos_id),
      m_splits_at_spaces(!m_pre_tokenizer.is_byte_level() && can_split_at_spaces(m_model)),
      m_fingerprint(std::move(parts.fingerprint)) {
    m_vocab_size = m_model.vocab().token_count;
    m_all_tokens = AddedTokenFinder(parts.added_tokens);
    std::vector<AddedToken> raw, normalized;
    for (AddedToken& token : parts.added_tokens) {
        m_vocab_size = std::max(m_vocab_size, token.id + 1);
        Listed& listed = m_listed[token.id];
        listed = {token.content, {}, token.special};
        if (token.normalized) m_normalizer.apply(token.content);
        listed.decoded = token.content;
        (token.normalized ? normalized : raw).push_back(std::move(token));
    }
    for (auto& [id, text] : parts.decode_only) m_listed.try_emplace(id, Listed{text, text});
    m_raw_tokens = AddedTokenFinder(std::move(raw));
    m_normalized_tokens = AddedTokenFinder(std::move(normalized));
}

void PipelineTokenizer::encode_words(std::string_view text, bool is_first, Scratch& scratch,
                                     std::vector<int32_t>& ids) const {
    m_pre_tokenizer.cut(text, is_first, scratch.words);
    for (const std::string_view word : scratch.words.list) {
        if (!m_splits_at_spaces) {
            m_model.encode_word(word, scratch.bpe, ids);
            continue;
        }
        for_each_space_word(
            word, [&](std::string_view part) { m_model.encode_word(part, scratch.bpe, ids); });
    }
}

void PipelineTokenizer::encode_piece(std::string_view piece, Place place, SpecialText special,
                                     Scratch& scratch, std::vector<int32_t>& ids) const {
    std::string_view text = piece;
    if (!m_normalizer.is_identity()) {
        scratch.normalized.assign(piece);
        m_normalizer.apply(scratch.normalized, place == Place::Inside);
        text = scratch.normalized;
    }
    const bool is_first = place == Place::First;
    m_normalized_tokens.split(text, special, [&](std::string_view part, const AddedToken* token) {
        if (token != nullptr) {
            ids.push_back(token->id);
        } else {
            encode_words(part, is_first && part.data() == text.data(), scratch, ids);
        }
    });
}

std::vector<int32_t> PipelineTokenizer::encode(std::string_view text, SpecialTokens special) const {
    const bool adds = special == SpecialTokens::AddAndRecognise;
    const auto mode = special == SpecialTokens::Plain ? SpecialText::Plain : SpecialText::Recognise;
    std::vector<int32_t> ids;
    ids.reserve(text.size() / 3 + 8);
    if (adds) ids = m_prefix;
    const auto scratch = m_scratches.borrow();
    m_raw_tokens.split(text, mode, [&](std::string_view piece, const AddedToken* token) {
        if (token != nullptr) {
            ids.push_back(token->id);
        } else {
            const Place place = piece.data() == text.data() ? Place::First : Place::Later;
            encode_piece(piece, place, mode, *scratch, ids);
        }
    });
    if (adds) ids.insert(ids.end(), m_suffix.begin(), m_suffix.end());
    return ids;
}

std::vector<int32_t> PipelineTokenizer::encode_inside(std::string_view text,
                                                      TextBefore before) const {
    std::vector<int32_t> ids;
    const auto scratch = m_scratches.borrow();
    m_raw_tokens.split(
        text, SpecialText::Plain, [&](std::string_view piece, const AddedToken* token) {
            if (token != nullptr) {
                ids.push_back(token->id);
                return;
            }
            const bool is_inside = before == TextBefore::Text && piece.data() == text.data();
            encode_piece(piece, is_inside ? Place::Inside : Place::Later, SpecialText::Plain,
                         *scratch, ids);
        });
    return ids;
}

std::vector<SpecialMatch> PipelineTokenizer::find_specials(std::string_view text) const {
    std::vector<SpecialMatch> found;
    size_t done = 0;  // where the last text or token ends
    const auto close = [&](size_t at) {
        if (!found.empty() && found.back().end == 0) found.back().end = at;
    };
    m_all_tokens.split(text, SpecialText::Recognise,
                       [&](std::string_view piece, const AddedToken* token) {
                           if (token == nullptr) {
                               // A token ends where the text behind it begins.
                               const auto at = static_cast<size_t>(piece.data() - text.data());
                               close(at);
                               done = at + piece.size();
                               return;
                           }
                           const bool is_behind_token = !found.empty() && found.back().end == 0;
                           if (is_behind_token) {
                               done = found.back().begin + m_listed.at(found.back().id).text.size();
                               close(done);
                           }
                           found.push_back({done, 0, token->id, token->special});
                       });
    close(text.size());
    return found;
}

std::string PipelineTokenizer::decode(const std::vector<int32_t>& ids,
                                      SpecialPieces specials) const {
    std::vector<std::string> tokens;
    tokens.reserve(ids.size());
    for (const int32_t id : ids) {
        if (const auto found = m_listed.find(id); found != m_listed.end()) {
            const bool is_shown = !found->second.is_special || specials == SpecialPieces::Show;
            if (is_shown) tokens.push_back(found->second.decoded);
        } else if (id >= 0 && id < m_model.vocab().token_count) {
            tokens.push_back(m_model.vocab().tokens[static_cast<size_t>(id)]);
        }
    }
    return m_decoder.decode(std::move(tokens));
}

std::string PipelineTokenizer::piece(int32_t id) const {
    if (const auto found = m_listed.find(id); found != m_listed.end()) return found->second.text;
    if (id < 0 || id >= m_model.vocab().token_count) return {};
    const std::string& token = m_model.vocab().tokens[static_cast<size_t>(id)];
    return m_model.vocab().is_byte_level ? printable_of_bytes(token) : token;
}

std::optional<int32_t> PipelineTokenizer::special_id(std::string_view text) const {
    for (const auto& [id, listed] : m_listed) {
        if (listed.text == text) return id;
    }
    return std::nullopt;
}

}  // namespace

std::unique_ptr<Tokenizer> make_pipeline_tokenizer(PipelineParts parts) {
    return std::make_unique<PipelineTokenizer>(std::move(parts));
}

}  // namespace dayrun::core
