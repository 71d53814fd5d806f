// Tokenizer over the sentencepiece library, with the conventions of Llama's tokenizer on top (added
// BOS, special tokens split out of the text, `legacy`). Neighbour: tokenizer.h. Any thread.
#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <algorithm>

#include "core/base/hash.h"
#include "core/data/text.h"
#include "core/tokens/sentencepiece/sp_bpe_encoder.h"
#include "core/tokens/sentencepiece/sp_unigram_encoder.h"
#include "core/tokens/tokenizer_config.h"
#include "core/tokens/tokenizer_openers.h"

namespace dayrun::core {
namespace {

/// A second normalizer_spec (field 3) behind the model: Protobuf merges the two, so this sets
/// add_dummy_prefix (field 3 of it) to false and leaves the rest as it is.
constexpr std::string_view kNoDummyPrefix{"\x1A\x02\x18\x00", 4};

std::string without(std::string_view text, bool leading, bool trailing) {
    while (leading && !text.empty() && (text.front() == ' ' || text.front() == '\n')) {
        text.remove_prefix(1);
    }
    while (trailing && !text.empty() && (text.back() == ' ' || text.back() == '\n')) {
        text.remove_suffix(1);
    }
    return std::string(text);
}

class SentencepieceTokenizer : public Tokenizer {
  public:
    static Result<std::unique_ptr<Tokenizer>> open(const TokenizerFile& file);

    std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const override;
    std::string decode(const std::vector<int32_t>& ids) const override;
    std::string piece(int32_t id) const override;
    int32_t vocab_size() const override { return m_vocab_size; }
    std::optional<int32_t> bos_id() const override { return m_bos_id; }
    std::optional<int32_t> eos_id() const override { return m_eos_id; }
    bool adds_bos() const override { return m_adds_bos; }
    std::optional<int32_t> special_id(std::string_view text) const override;
    std::vector<SpecialMatch> find_specials(std::string_view text) const override;
    std::vector<int32_t> encode_inside(std::string_view text, TextBefore before) const override;
    const std::string& fingerprint() const override { return m_fingerprint; }

  private:
    Result<void> take_config(const TokenizerConfig& config, const std::string& file);
    std::optional<int32_t> id_of(const std::string& token) const;
    const SpecialToken* next_special(std::string_view text, size_t from, size_t& at) const;
    void append(std::string_view text, bool has_prefix, std::vector<int32_t>& ids) const;

    sentencepiece::SentencePieceProcessor m_model;
    sentencepiece::SentencePieceProcessor m_bare_model;  // the same without a dummy prefix
    std::unique_ptr<SpBpeEncoder> m_encoder;             // the fast way where the model allows it
    std::unique_ptr<SpUnigramEncoder> m_unigram;         // the best path of unigram models
    std::vector<SpecialToken> m_special_tokens;
    std::optional<int32_t> m_bos_id, m_eos_id;
    int32_t m_vocab_size = 0;
    bool m_adds_bos = true;
    bool m_adds_eos = false;
    bool m_is_legacy = true;
    std::string m_fingerprint;
};

Error bad_file(const TokenizerFile& file, std::string what) {
    return {.code = ErrorCode::BadTokenizer,
            .message = fmt::format("{} {}.", file.path.string(), what),
            .hint = "Fetch the model's tokenizer files again."};
}

Result<std::unique_ptr<Tokenizer>> SentencepieceTokenizer::open(const TokenizerFile& file) {
    auto made = std::make_unique<SentencepieceTokenizer>();
    try {
        const auto loaded = made->m_model.LoadFromSerializedProto(file.content);
        if (!loaded.ok()) return bad_file(file, "is not a sentencepiece model that can be read");
        std::string bare = file.content;
        bare += kNoDummyPrefix;
        if (!made->m_bare_model.LoadFromSerializedProto(bare).ok()) {
            return bad_file(file, "is not a sentencepiece model that can be read");
        }
    } catch (const std::exception& error) {
        return bad_file(file, fmt::format("cannot be read: {}", error.what()));
    }
    made->m_encoder = SpBpeEncoder::make(file.content);
    made->m_unigram = SpUnigramEncoder::make(file.content);
    TRY(config, read_tokenizer_config(file.folder));
    TRY_VOID(made->take_config(config, file.path.string()));
    Sha256 hash;
    hash.add_field("sentencepiece 1");
    hash.add_field(file.content);
    hash.add_field(config.text);
    made->m_fingerprint = hash.hex();
    return std::unique_ptr<Tokenizer>(std::move(made));
}

std::optional<int32_t> SentencepieceTokenizer::id_of(const std::string& token) const {
    const int id = m_model.PieceToId(token);
    const bool is_piece = id >= 0 && id < m_model.GetPieceSize() && m_model.IdToPiece(id) == token;
    return is_piece ? std::optional<int32_t>(id) : std::nullopt;
}

Result<void> SentencepieceTokenizer::take_config(const TokenizerConfig& config,
                                                 const std::string& file) {
    m_vocab_size = m_model.GetPieceSize();
    m_adds_bos = config.add_bos.value_or(true);
    m_adds_eos = config.add_eos.value_or(false);
    m_is_legacy = config.legacy.value_or(true);
    for (SpecialToken token : config.special_tokens) {
        if (token.id < 0) token.id = id_of(token.text).value_or(-1);
        if (token.id < 0) continue;
        m_vocab_size = std::max(m_vocab_size, token.id + 1);
        m_special_tokens.push_back(std::move(token));
    }
    // The model's own control pieces are special too, whether a config names them or not.
    for (int id = 0; id < m_model.GetPieceSize(); ++id) {
        if (!m_model.IsControl(id) && !m_model.IsUnknown(id)) continue;
        const std::string& text = m_model.IdToPiece(id);
        const auto is_same = [&](const SpecialToken& token) { return token.text == text; };
        if (std::none_of(m_special_tokens.begin(), m_special_tokens.end(), is_same)) {
            m_special_tokens.push_back({.text = text, .id = id});
        }
    }
    const auto named = [&](const std::string& text, int own) -> std::optional<int32_t> {
        if (!text.empty()) return special_id(text);
        return own >= 0 ? std::optional<int32_t>(own) : std::nullopt;
    };
    m_bos_id = named(config.bos_token, m_model.bos_id());
    m_eos_id = named(config.eos_token, m_model.eos_id());
    m_adds_bos = m_adds_bos && m_bos_id.has_value();
    m_adds_eos = m_adds_eos && m_eos_id.has_value();
    constexpr int32_t kMostTokens = 1 << 24;
    if (m_vocab_size <= kMostTokens) return {};
    return Error{.code = ErrorCode::BadTokenizer,
                 .message = fmt::format("The configs beside {} name the token id {}.", file,
                                        m_vocab_size - 1),
                 .hint = "Correct added_tokens_decoder or added_tokens.json."};
}

std::optional<int32_t> SentencepieceTokenizer::special_id(std::string_view text) const {
    for (const SpecialToken& token : m_special_tokens) {
        if (token.text == text) return token.id;
    }
    return std::nullopt;
}

/// The leftmost special token at or behind `from`, the longest one there.
const SpecialToken* SentencepieceTokenizer::next_special(std::string_view text, size_t from,
                                                         size_t& at) const {
    const SpecialToken* found = nullptr;
    for (const SpecialToken& token : m_special_tokens) {
        const size_t place = text.find(token.text, from);
        if (place == std::string_view::npos) continue;
        const bool is_better = found == nullptr || place < at ||
                               (place == at && token.text.size() > found->text.size());
        if (!is_better) continue;
        found = &token;
        at = place;
    }
    return found;
}

std::vector<SpecialMatch> SentencepieceTokenizer::find_specials(std::string_view text) const {
    std::vector<SpecialMatch> found;
    size_t from = 0;
    size_t at = 0;
    while (const SpecialToken* const token = next_special(text, from, at)) {
        const size_t behind = at + token->text.size();
        const std::string_view before = text.substr(from, at - from);
        const std::string_view after = text.substr(behind);
        // What without() takes away at each side belongs to the token.
        const size_t left =
            token->strips_left ? before.size() - without(before, false, true).size() : 0;
        const size_t right =
            token->strips_right ? after.size() - without(after, true, false).size() : 0;
        found.push_back({at - left, behind + right, token->id});
        from = behind + right;
    }
    return found;
}

std::vector<int32_t> SentencepieceTokenizer::encode_inside(std::string_view text,
                                                           TextBefore before) const {
    std::vector<int32_t> ids;
    append(text, before == TextBefore::Special && m_is_legacy, ids);
    return ids;
}

void SentencepieceTokenizer::append(std::string_view text, bool has_prefix,
                                    std::vector<int32_t>& ids) const {
    if (text.empty()) return;
    if (m_encoder != nullptr) {
        m_encoder->append(text, has_prefix, ids);
        return;
    }
    const auto& model = has_prefix ? m_model : m_bare_model;
    if (m_unigram != nullptr) {
        // The library normalizes: its pieces together are the normalized text.
        std::vector<std::string> pieces;
        if (!model.Encode(text, &pieces).ok()) return;
        std::string normalized;
        for (const std::string& piece : pieces) normalized += piece;
        m_unigram->append(normalized, ids);
        return;
    }
    std::vector<int> found;
    if (!model.Encode(text, &found).ok()) return;
    ids.insert(ids.end(), found.begin(), found.end());
}

std::vector<int32_t> SentencepieceTokenizer::encode(std::string_view text,
                                                    SpecialTokens special) const {
    std::vector<int32_t> ids;
    if (special == SpecialTokens::Plain) {
        append(text, true, ids);
        return ids;
    }
    if (special == SpecialTokens::AddAndRecognise && m_adds_bos) ids.push_back(*m_bos_id);
    size_t from = 0;
    bool strips_left = false;
    while (from <= text.size()) {
        size_t at = text.size();
        const SpecialToken* const token = next_special(text, from, at);
        const std::string chunk = without(text.substr(from, at - from), strips_left,
                                          token != nullptr && token->strips_left);
        // legacy: every chunk has its dummy prefix; else only one that opens the text.
        append(chunk, m_is_legacy || from == 0, ids);
        if (token == nullptr) break;
        ids.push_back(token->id);
        strips_left = token->strips_right;
        from = at + token->text.size();
    }
    if (special == SpecialTokens::AddAndRecognise && m_adds_eos) ids.push_back(*m_eos_id);
    return ids;
}

std::string SentencepieceTokenizer::decode(const std::vector<int32_t>& ids) const {
    // Control tokens and ids behind the vocabulary have no text.
    std::vector<int> known;
    for (const int32_t id : ids) {
        if (id >= 0 && id < m_model.GetPieceSize() && !m_model.IsControl(id)) known.push_back(id);
    }
    std::string text;
    if (!m_model.Decode(known, &text).ok()) return {};
    return text;
}

std::string SentencepieceTokenizer::piece(int32_t id) const {
    if (id >= 0 && id < m_model.GetPieceSize()) return m_model.IdToPiece(id);
    for (const SpecialToken& token : m_special_tokens) {
        if (token.id == id) return token.text;
    }
    return {};
}

}  // namespace

bool is_sentencepiece(const TokenizerFile& file) {
    // A ModelProto opens with its first piece: field 1, a length, and inside field 1, a text.
    return file.content.size() > 8 && file.content[0] == '\x0A' && file.content[2] == '\x0A';
}

Result<std::unique_ptr<Tokenizer>> open_sentencepiece(const TokenizerFile& file) {
    return SentencepieceTokenizer::open(file);
}

}  // namespace dayrun::core
