// Body of sp_bpe_encoder.h: a small reader of the ModelProto, then the merge engine.
#include "core/tokens/bpe/sp_bpe_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "core/tokens/bpe/merges_of_pieces.h"
#include "core/tokens/bpe/space_words.h"
#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

/// Walks the fields of one protobuf message.
class Message {
  public:
    explicit Message(std::string_view bytes) : m_bytes(bytes) {}

    /// Goes to the next field; false at the end or where the bytes make no sense.
    bool next() {
        uint64_t key = 0;
        if (m_bytes.empty() || !varint(key)) return false;
        field = static_cast<uint32_t>(key >> 3);
        switch (key & 7) {
            case 0:
                return varint(number);
            case 1:
                return take(8);
            case 2: {
                uint64_t length = 0;
                return varint(length) && take(length);
            }
            case 5:
                return take(4);
            default:
                return fail();
        }
    }
    float as_float() const {
        float value = 0;
        if (text.size() == 4) std::memcpy(&value, text.data(), 4);
        return value;
    }
    bool is_damaged() const { return m_is_damaged; }

    uint32_t field = 0;
    uint64_t number = 0;    // of a varint field
    std::string_view text;  // of a length-delimited or fixed field

  private:
    bool fail() {
        m_is_damaged = true;
        return false;
    }
    bool varint(uint64_t& value) {
        value = 0;
        for (int shift = 0; shift < 64 && !m_bytes.empty(); shift += 7) {
            const auto byte = static_cast<uint8_t>(m_bytes.front());
            m_bytes.remove_prefix(1);
            value |= static_cast<uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return true;
        }
        return fail();
    }
    bool take(uint64_t length) {
        if (length > m_bytes.size()) return fail();
        text = m_bytes.substr(0, length);
        m_bytes.remove_prefix(length);
        return true;
    }

    std::string_view m_bytes;
    bool m_is_damaged = false;
};

enum PieceType : uint64_t { kNormal = 1, kUnknown = 2, kUserDefined = 4, kUnused = 5 };

struct Piece {
    std::string text;
    float score = 0;
    uint64_t type = kNormal;
};

struct Model {
    std::vector<Piece> pieces;
    bool is_bpe = false;
    bool byte_fallback = false;
    bool is_plain = true;  // no rule that only the library has
    bool add_dummy_prefix = true;
    bool remove_extra_whitespaces = true;
    bool escape_whitespaces = true;
};

std::optional<Piece> read_piece(std::string_view bytes) {
    Piece piece;
    Message message(bytes);
    while (message.next()) {
        if (message.field == 1) piece.text = message.text;
        if (message.field == 2) piece.score = message.as_float();
        if (message.field == 3) piece.type = message.number;
    }
    if (message.is_damaged() || piece.text.empty() || !std::isfinite(piece.score)) {
        return std::nullopt;
    }
    return piece;
}

void read_trainer(std::string_view bytes, Model& model) {
    constexpr uint64_t kBpe = 2;
    Message message(bytes);
    while (message.next()) {
        if (message.field == 3) model.is_bpe = message.number == kBpe;
        if (message.field == 24 && message.number != 0) model.is_plain = false;
        if (message.field == 35) model.byte_fallback = message.number != 0;
    }
    if (message.is_damaged()) model.is_plain = false;
}

void read_normalizer(std::string_view bytes, Model& model) {
    Message message(bytes);
    while (message.next()) {
        if (message.field == 2 && !message.text.empty()) model.is_plain = false;
        if (message.field == 3) model.add_dummy_prefix = message.number != 0;
        if (message.field == 4) model.remove_extra_whitespaces = message.number != 0;
        if (message.field == 5) model.escape_whitespaces = message.number != 0;
        if (message.field == 6 && !message.text.empty()) model.is_plain = false;
    }
    if (message.is_damaged()) model.is_plain = false;
}

std::optional<Model> read_model(std::string_view bytes) {
    Model model;
    Message message(bytes);
    while (message.next()) {
        if (message.field == 1) {
            auto piece = read_piece(message.text);
            if (!piece) return std::nullopt;
            model.pieces.push_back(*std::move(piece));
        }
        if (message.field == 2) read_trainer(message.text, model);
        if (message.field == 3) read_normalizer(message.text, model);
    }
    if (message.is_damaged() || model.pieces.empty()) return std::nullopt;
    return model;
}

/// The higher the score the lower the rank; equal scores are equal ranks. -1 for other pieces.
std::vector<int32_t> ranks_of(const std::vector<Piece>& pieces) {
    std::vector<float> scores;
    for (const Piece& piece : pieces) {
        if (piece.type == kNormal) scores.push_back(piece.score);
    }
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    std::vector<int32_t> ranks;
    for (const Piece& piece : pieces) {
        const auto at =
            std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>());
        ranks.push_back(piece.type == kNormal ? static_cast<int32_t>(at - scores.begin()) : -1);
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
    const auto model = read_model(model_proto);
    if (!model || !model->is_bpe || !model->is_plain || model->remove_extra_whitespaces ||
        !model->escape_whitespaces) {
        return nullptr;
    }
    BpeVocab vocab;
    vocab.byte_fallback = model->byte_fallback;
    vocab.fuse_unk = true;
    std::set<std::string_view> seen;
    for (const Piece& piece : model->pieces) {
        if (piece.type == kUserDefined || piece.type == kUnused) return nullptr;
        if (!seen.insert(piece.text).second) return nullptr;
        if (piece.type == kUnknown) vocab.unk_id = static_cast<int32_t>(vocab.tokens.size());
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
