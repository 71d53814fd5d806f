// The sentencepiece tokenizer: a tiny model written by hand here, and the reference figures.
#include <QTemporaryDir>
#include <QTest>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tokens/tokenizer.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

// Just enough of Protobuf to write a sentencepiece model.
std::string varint(uint64_t value) {
    std::string out;
    while (value > 127) {
        out += static_cast<char>((value & 0x7F) | 0x80);
        value >>= 7;
    }
    return out + static_cast<char>(value);
}
std::string number_field(int field, uint64_t value) {
    return varint(static_cast<uint64_t>(field) << 3) + varint(value);
}
std::string bytes_field(int field, const std::string& bytes) {
    return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string piece(const std::string& text, float score, int type) {
    std::string bits(4, '\0');
    std::memcpy(bits.data(), &score, 4);
    std::string body = bytes_field(1, text) + varint(2 << 3 | 5) + bits;
    if (type != 1) body += number_field(3, static_cast<uint64_t>(type));
    return bytes_field(1, body);
}

/// Llama's layout in small: <unk> <s> </s>, 256 bytes, then pieces; BPE with byte fallback.
std::string tiny_model() {
    std::string model = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
    for (int byte = 0; byte < 256; ++byte) {
        char name[8];
        std::snprintf(name, sizeof name, "<0x%02X>", byte);
        model += piece(name, 0, 6);
    }
    float score = 0;
    for (const char* text : {"\u2581H", "\u2581Hi", "\u2581x", "Hi", "\u2581", "H", "i", "x"}) {
        model += piece(text, score, 1);
        score -= 1;
    }
    model += bytes_field(2, number_field(3, 2) + number_field(35, 1));
    return model + bytes_field(3, bytes_field(1, "identity") + number_field(3, 1) +
                                      number_field(4, 0) + number_field(5, 1));
}
constexpr int32_t kHi = 260, kX = 261, kBareHi = 262, kSpace = 263, kBareX = 266;

}  // namespace

class TestSentencepiece : public QObject {
    Q_OBJECT

    static std::string folder(const QTemporaryDir& dir, const std::string& config) {
        const std::string path = dir.path().toStdString();
        std::ofstream(path + "/tokenizer.model", std::ios::binary) << tiny_model();
        if (!config.empty()) std::ofstream(path + "/tokenizer_config.json") << config;
        return path;
    }
    using Ids = std::vector<int32_t>;

  private Q_SLOTS:
    void plain_text_has_no_specials() {
        QTemporaryDir dir;
        auto opened = open_tokenizer(folder(dir, ""));
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().text().c_str());
        const Tokenizer& tokenizer = **opened;
        QCOMPARE(tokenizer.encode("Hi x", SpecialTokens::Plain), (Ids{kHi, kX}));
        QCOMPARE(tokenizer.encode("", SpecialTokens::Plain), Ids{});
        QCOMPARE(tokenizer.encode("Hi", SpecialTokens::AddAndRecognise), (Ids{1, kHi}));
        QVERIFY(tokenizer.encode("</s>", SpecialTokens::Plain).size() > 1);
        QCOMPARE(tokenizer.encode("é", SpecialTokens::Plain), (Ids{kSpace, 3 + 0xC3, 3 + 0xA9}));
        QCOMPARE(tokenizer.decode({1, kHi, kX, 2}), std::string("Hi x"));
        QCOMPARE(tokenizer.decode({kSpace, 3 + 0xC3, 3 + 0xA9}), std::string("é"));
        QCOMPARE(tokenizer.piece(kHi), std::string("\u2581Hi"));
        QCOMPARE(tokenizer.vocab_size(), 267);
        QCOMPARE(*tokenizer.eos_id(), 2);
        QCOMPARE(*tokenizer.special_id("</s>"), 2);
        QVERIFY(!tokenizer.special_id("Hi"));
    }

    void legacy_gives_every_chunk_its_prefix() {
        QTemporaryDir dir;
        auto opened = open_tokenizer(folder(dir, R"({"legacy": true})"));
        const Tokenizer& tokenizer = **opened;
        const auto ids = [&](const char* text) {
            return tokenizer.encode(text, SpecialTokens::Recognise);
        };
        QCOMPARE(ids("<s>Hi"), (Ids{1, kHi}));
        QCOMPARE(ids("<s> Hi"), (Ids{1, kSpace, kHi}));
        QCOMPARE(ids("Hi</s>x"), (Ids{kHi, 2, kX}));
        QCOMPARE(ids("Hi</s> x"), (Ids{kHi, 2, kSpace, kX}));
        QCOMPARE(ids("Hi </s>x"), (Ids{kHi, kSpace, 2, kX}));
    }

    void without_legacy_only_the_start_has_a_prefix() {
        QTemporaryDir dir;
        auto opened = open_tokenizer(
            folder(dir, R"({"legacy": false, "add_bos_token": false, "add_eos_token": true,
                     "eos_token": {"content": "</s>"},
                     "added_tokens_decoder": {"267": {"content": "<|im_end|>"}}})"));
        const Tokenizer& tokenizer = **opened;
        const auto ids = [&](const char* text) {
            return tokenizer.encode(text, SpecialTokens::Recognise);
        };
        QCOMPARE(ids("<s>Hi"), (Ids{1, kBareHi}));
        QCOMPARE(ids("<s> Hi"), (Ids{1, kHi}));
        QCOMPARE(ids("Hi</s>x"), (Ids{kHi, 2, kBareX}));
        QCOMPARE(ids("Hi</s> x"), (Ids{kHi, 2, kX}));
        QCOMPARE(ids("Hi<|im_end|>"), (Ids{kHi, 267}));
        QCOMPARE(tokenizer.encode("Hi", SpecialTokens::AddAndRecognise), (Ids{kHi, 2}));
        QVERIFY(!tokenizer.adds_bos());
        QCOMPARE(tokenizer.vocab_size(), 268);
    }

    void what_changes_ids_changes_the_fingerprint() {
        QTemporaryDir one, two;
        auto first = open_tokenizer(folder(one, R"({"legacy": true})"));
        auto second = open_tokenizer(folder(two, R"({"legacy": false})"));
        QVERIFY((*first)->fingerprint() != (*second)->fingerprint());
    }

    void damaged_files_are_one_sentence() {
        QTemporaryDir dir;
        const std::string path = folder(dir, "{nonsense");
        QVERIFY(open_tokenizer(path).error().code == ErrorCode::BadTokenizer);
        const std::string model = tiny_model();
        for (const size_t length : {size_t{0}, size_t{5}, size_t{100}, model.size() - 3}) {
            QTemporaryDir broken;
            const std::string file = broken.path().toStdString() + "/tokenizer.model";
            std::ofstream(file, std::ios::binary) << model.substr(0, length);
            const auto opened = open_tokenizer(file);
            QVERIFY(!opened.ok());
            QVERIFY(opened.error().code == ErrorCode::BadTokenizer);
        }
        QVERIFY(open_tokenizer(path + "/absent").error().code == ErrorCode::FileMissing);
        QTemporaryDir empty;
        QVERIFY(!open_tokenizer(empty.path().toStdString()).ok());
    }

    void reference_figures_data() {
        QTest::addColumn<QString>("golden");
        for (const char* name :
             {"stories260K", "mistral-7b-v0.1", "sentencepiece-ja", "sentencepiece-unigram-1k"}) {
            QTest::newRow(name) << name;
        }
    }
    void reference_figures() {
        QFETCH(QString, golden);
        DAYRUN_REQUIRE_SHARED(root, "goldens/tokenizers");
        std::ifstream stream(root / (golden.toStdString() + ".json"));
        const auto json = nlohmann::json::parse(stream);
        const auto file =
            root.parent_path().parent_path() / "tokenizers" / json.at("file").get<std::string>();
        auto opened = open_tokenizer(file);
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().text().c_str());
        int count = 0;
        for (const auto& entry : json.at("cases")) {
            const auto text = entry.at("text").get<std::string>();
            QVERIFY2((*opened)->encode(text, SpecialTokens::Plain) == entry.at("ids").get<Ids>(),
                     text.c_str());
            ++count;
        }
        QVERIFY(count > 20);
    }
};

DAYRUN_TEST(TestSentencepiece)
#include "test_sentencepiece.moc"
