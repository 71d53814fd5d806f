// Our encoders of sentencepiece models against the library, on models written here by hand.
#include <sentencepiece_processor.h>
#include <QTest>
#include <cstring>
#include <random>

#include "core/base/atomic_file.h"
#include "core/tokens/sentencepiece/sp_bpe_encoder.h"
#include "core/tokens/sentencepiece/sp_unigram_encoder.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using Ids = std::vector<int32_t>;

namespace {

std::string varint(uint64_t value) {
    std::string out;
    for (; value > 127; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
    return out + static_cast<char>(value);
}
std::string field(int number, uint64_t value) {
    return varint(static_cast<uint64_t>(number) << 3) + varint(value);
}
std::string field(int number, const std::string& bytes) {
    return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string piece(const std::string& text, float score, SpPieceType type = SpPieceType::Normal) {
    std::string bits(4, '\0');
    std::memcpy(bits.data(), &score, 4);
    return field(
        1, field(1, text) + varint(2 << 3 | 5) + bits + field(3, static_cast<uint64_t>(type)));
}

enum class Fallback { None, Bytes };

/// Pieces over a, b, é and the space mark; scores with ties, as trained models have none.
std::string bpe_model(Fallback fallback, bool has_prefix) {
    std::string model = piece("<unk>", 0, SpPieceType::Unknown) +
                        piece("<s>", 0, SpPieceType::Control) +
                        piece("</s>", 0, SpPieceType::Control);
    if (fallback == Fallback::Bytes) {
        for (int byte = 0; byte < 256; ++byte) {
            char name[8];
            std::snprintf(name, sizeof(name), "<0x%02X>", static_cast<unsigned>(byte));
            model += piece(name, 0, SpPieceType::Byte);
        }
    }
    const std::pair<const char*, float> pieces[] = {
        {"ab", -1},  {"▁a", -2}, {"ba", -2},  {"aba", -3}, {"▁▁", -4}, {"bab", -3},
        {"▁ab", -5}, {"éa", -6}, {"aéa", -7}, {"a", -8},   {"b", -9},  {"▁", -10}};
    for (const auto& [text, score] : pieces) model += piece(text, score);
    const bool has_bytes = fallback == Fallback::Bytes;
    model += field(2, field(3, uint64_t{2}) + field(35, uint64_t{has_bytes}));
    model += field(3, field(1, std::string("identity")) + field(3, uint64_t{has_prefix}) +
                          field(4, uint64_t{0}) + field(5, uint64_t{1}));
    return model;
}

std::string unigram_model() {
    std::string model = piece("<unk>", 0, SpPieceType::Unknown);
    const std::pair<const char*, float> pieces[] = {{"▁", -2.5f},   {"a", -3.125f}, {"b", -3.7f},
                                                    {"ab", -4.01f}, {"ba", -5.3f},  {"▁a", -3.9f},
                                                    {"aba", -6.6f}, {"éa", -4.44f}};
    for (const auto& [text, score] : pieces) model += piece(text, score);
    model += field(2, field(3, uint64_t{1}));
    model += field(3, field(1, std::string("identity")) + field(4, uint64_t{0}));
    return model;
}

std::string random_text(std::mt19937& random, size_t most) {
    const char* const parts[] = {"a", "b", "ab", " ", "  ", "é", "x", "\n", "中", "▁", "😀"};
    std::string text;
    for (size_t i = random() % most; i > 0; --i) text += parts[random() % std::size(parts)];
    return text;
}

}  // namespace

class TestSpEncoders : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void bpe_equals_the_library_data() {
        QTest::addColumn<bool>("has_bytes");
        QTest::addColumn<bool>("has_prefix");
        QTest::newRow("bytes, prefix") << true << true;
        QTest::newRow("bytes") << true << false;
        QTest::newRow("unknown, prefix") << false << true;
        QTest::newRow("unknown") << false << false;
    }

    void bpe_equals_the_library() {
        QFETCH(bool, has_bytes);
        QFETCH(bool, has_prefix);
        const std::string model =
            bpe_model(has_bytes ? Fallback::Bytes : Fallback::None, has_prefix);
        sentencepiece::SentencePieceProcessor library;
        QVERIFY(library.LoadFromSerializedProto(model).ok());
        const auto encoder = SpBpeEncoder::make(model);
        QVERIFY(encoder != nullptr);
        std::mt19937 random(5);
        for (int round = 0; round < 2000; ++round) {
            const std::string text = random_text(random, 60);
            std::vector<int> expected;
            QVERIFY(library.Encode(text, &expected).ok());
            Ids ids;
            encoder->append(text, true, ids);
            QVERIFY2(ids == expected, text.c_str());
        }
    }

    void unigram_equals_the_library() {
        const std::string model = unigram_model();
        sentencepiece::SentencePieceProcessor library;
        QVERIFY(library.LoadFromSerializedProto(model).ok());
        const auto encoder = SpUnigramEncoder::make(model);
        QVERIFY(encoder != nullptr);
        std::mt19937 random(6);
        for (int round = 0; round < 1000; ++round) {
            const std::string text = random_text(random, 30);
            std::vector<int> expected;
            std::vector<std::string> pieces;
            QVERIFY(library.Encode(text, &expected).ok() && library.Encode(text, &pieces).ok());
            std::string normalized;
            for (const std::string& part : pieces) normalized += part;
            Ids ids;
            encoder->append(normalized, ids);
            QVERIFY2(ids == expected, text.c_str());
        }
    }

    void leaves_other_models_to_the_library() {
        QVERIFY(SpBpeEncoder::make(unigram_model()) == nullptr);
        QVERIFY(SpUnigramEncoder::make(bpe_model(Fallback::Bytes, true)) == nullptr);
        const std::string model = bpe_model(Fallback::Bytes, true);
        QVERIFY(SpBpeEncoder::make(model + piece("<x>", 0, SpPieceType::UserDefined)) == nullptr);
        // A character map, removed white space.
        QVERIFY(SpBpeEncoder::make(model + field(3, field(2, std::string("map")))) == nullptr);
        QVERIFY(SpBpeEncoder::make(model + field(3, field(4, uint64_t{1}))) == nullptr);
        for (size_t length = 0; length < model.size(); length += 7) {
            SpBpeEncoder::make(model.substr(0, length));  // damaged: must not crash
        }
    }

    void equals_the_library_on_real_models() {
        DAYRUN_REQUIRE_SHARED(mistral, "tokenizers/mistral-7b-v0.1/tokenizer.model");
        DAYRUN_REQUIRE_SHARED(stories, "models/stories260K/hf-f32/tokenizer.model");
        for (const auto& path : {mistral, stories}) {
            const auto model = read_file(path);
            sentencepiece::SentencePieceProcessor library;
            QVERIFY(library.LoadFromSerializedProto(*model).ok());
            const auto encoder = SpBpeEncoder::make(*model);
            QVERIFY(encoder != nullptr);
            std::mt19937 random(8);
            for (int round = 0; round < 300; ++round) {
                // Random bytes too: broken UTF-8 becomes U+FFFD in both.
                std::string text = random_text(random, 40);
                if (round % 3 == 0) {
                    for (int i = 0; i < 5; ++i) text += static_cast<char>(random() % 256);
                }
                std::vector<int> expected;
                QVERIFY(library.Encode(text, &expected).ok());
                Ids ids;
                encoder->append(text, true, ids);
                QVERIFY2(ids == expected, text.c_str());
            }
        }
    }
};

DAYRUN_TEST(TestSpEncoders)
#include "test_sp_encoders.moc"
