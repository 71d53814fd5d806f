// The small reader of sp_model.h: the fields that encoding needs, everything else is passed over.
#include "core/tokens/sentencepiece/sp_model.h"

#include <cmath>
#include <cstring>

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

std::optional<SpPiece> read_piece(std::string_view bytes) {
    SpPiece piece;
    Message message(bytes);
    while (message.next()) {
        if (message.field == 1) piece.text = message.text;
        if (message.field == 2) piece.score = message.as_float();
        if (message.field == 3) piece.type = static_cast<SpPieceType>(message.number);
    }
    if (message.is_damaged() || piece.text.empty() || !std::isfinite(piece.score)) {
        return std::nullopt;
    }
    return piece;
}

bool read_trainer(std::string_view bytes, SpModel& model) {
    constexpr uint64_t kUnigram = 1;
    constexpr uint64_t kBpe = 2;
    Message message(bytes);
    while (message.next()) {
        if (message.field == 3) model.is_bpe = message.number == kBpe;
        if (message.field == 3) model.is_unigram = message.number == kUnigram;
        if (message.field == 24) model.has_space_suffix = message.number != 0;
        if (message.field == 35) model.byte_fallback = message.number != 0;
    }
    return !message.is_damaged();
}

bool read_normalizer(std::string_view bytes, SpModel& model) {
    Message message(bytes);
    while (message.next()) {
        if (message.field == 2 && !message.text.empty()) model.has_normalizer_rules = true;
        if (message.field == 3) model.add_dummy_prefix = message.number != 0;
        if (message.field == 4) model.remove_extra_whitespaces = message.number != 0;
        if (message.field == 5) model.escape_whitespaces = message.number != 0;
        if (message.field == 6 && !message.text.empty()) model.has_normalizer_rules = true;
    }
    return !message.is_damaged();
}

}  // namespace

std::optional<SpModel> read_sp_model(std::string_view model_proto) {
    SpModel model;
    Message message(model_proto);
    while (message.next()) {
        if (message.field == 1) {
            auto piece = read_piece(message.text);
            if (!piece) return std::nullopt;
            model.pieces.push_back(*std::move(piece));
        }
        if (message.field == 2 && !read_trainer(message.text, model)) return std::nullopt;
        if (message.field == 3 && !read_normalizer(message.text, model)) return std::nullopt;
    }
    if (message.is_damaged() || model.pieces.empty()) return std::nullopt;
    return model;
}

}  // namespace dayrun::core
