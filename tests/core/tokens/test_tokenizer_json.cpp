// tokenizer.json and rank files made by the test: every part of the pipeline, and refusals by name.
#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/tokens/pipeline/stream_decoder.h"
#include "core/tokens/tokenizer.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

/// Byte-level: h e l o Ġ and the bytes of é, "he", "ll", "Ġhe".
Json byte_level() {
    return {{"added_tokens",
             {{{"id", 20}, {"content", "<|end|>"}, {"special", true}, {"normalized", false}},
              {{"id", 21},
               {"content", "<t>"},
               {"special", false},
               {"normalized", false},
               {"lstrip", true},
               {"rstrip", true}},
              {{"id", 22}, {"content", "<|en"}, {"special", true}, {"normalized", false}}}},
            {"normalizer", nullptr},
            {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
            {"post_processor", nullptr},
            {"decoder", {{"type", "ByteLevel"}}},
            {"model",
             {{"type", "BPE"},
              {"vocab",
               {{"h", 0},
                {"e", 1},
                {"l", 2},
                {"o", 3},
                {"\u0120", 4},
                {"\u00c3", 5},
                {"\u00a9", 6},
                {"he", 7},
                {"ll", 8},
                {"\u0120he", 9}}},
              {"merges", {"h e", "l l", "\u0120 he"}}}}};
}

/// Characters with "▁", byte fallback for é's first byte only.
Json by_character() {
    return {{"normalizer",
             {{"type", "Sequence"},
              {"normalizers",
               {{{"type", "Prepend"}, {"prepend", "▁"}},
                {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "▁"}}}}}},
            {"pre_tokenizer", nullptr},
            {"post_processor",
             {{"type", "TemplateProcessing"},
              {"single",
               {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
                {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
              {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {1}}, {"tokens", {"<s>"}}}}}}}},
            {"decoder",
             {{"type", "Sequence"},
              {"decoders",
               {{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                {{"type", "ByteFallback"}},
                {{"type", "Fuse"}},
                {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
            {"added_tokens",
             {{{"id", 1}, {"content", "<s>"}, {"special", true}, {"normalized", false}}}},
            {"model",
             {{"type", "BPE"},
              {"unk_token", "<unk>"},
              {"fuse_unk", true},
              {"byte_fallback", true},
              {"vocab",
               {{"<unk>", 0},
                {"<s>", 1},
                {"▁", 2},
                {"a", 3},
                {"b", 4},
                {"▁a", 5},
                {"<0xC3>", 6},
                {"<0xA9>", 7},
                {"▁▁", 8}}},
              {"merges", Json::array({Json::array({"▁", "a"}), Json::array({"▁", "▁"})})}}}};
}

}  // namespace

class TestTokenizerJson : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;

    Result<std::unique_ptr<Tokenizer>> opened(const std::string& text,
                                              const char* name = "t.json") {
        const std::filesystem::path path =
            std::filesystem::path(m_folder.path().toStdString()) / name;
        std::ofstream(path, std::ios::binary) << text;
        return open_tokenizer(path);
    }
    std::unique_ptr<Tokenizer> made(const Json& json) {
        auto tokenizer = opened(json.dump());
        if (!tokenizer.ok()) qWarning("%s", tokenizer.error().text().c_str());
        return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
    }

  private Q_SLOTS:
    void encodes_byte_level() {
        const auto tokenizer = made(byte_level());
        QVERIFY(tokenizer != nullptr);
        const auto ids = [&](const char* text) {
            return tokenizer->encode(text, SpecialTokens::Recognise);
        };
        QVERIFY(ids("hello hello") == (Ids{7, 8, 3, 9, 8, 3}));
        QVERIFY(ids("é") == (Ids{5, 6}));
        QVERIFY(ids("") == Ids{});
        QCOMPARE(tokenizer->decode({9, 8, 3, 5, 6}), std::string(" helloé"));
        QCOMPARE(tokenizer->decode({5, 3, 99, -1}), std::string("\uFFFDo"));
        QCOMPARE(tokenizer->piece(9), std::string("\u0120he"));
        QCOMPARE(tokenizer->vocab_size(), 23);
        QVERIFY(!tokenizer->adds_bos());
    }

    void finds_added_tokens() {
        const auto tokenizer = made(byte_level());
        const auto ids = [&](const char* text, SpecialTokens special) {
            return tokenizer->encode(text, special);
        };
        // The longest of two that begin alike; lstrip and rstrip take the spaces.
        QVERIFY(ids("he<|end|>he", SpecialTokens::Recognise) == (Ids{7, 20, 7}));
        QVERIFY(ids("<|enhe", SpecialTokens::Recognise) == (Ids{22, 7}));
        QVERIFY(ids("he  <t>  he", SpecialTokens::Recognise) == (Ids{7, 21, 7}));
        // Plain: a special token is text (e is all of it that this vocabulary knows); others stay.
        QVERIFY(ids("<|end|>", SpecialTokens::Plain) == (Ids{1}));
        QVERIFY(ids("<t>", SpecialTokens::Plain) == (Ids{21}));
        QCOMPARE(tokenizer->decode({7, 20, 21, 3}), std::string("he<t>o"));
        QCOMPARE(*tokenizer->special_id("<|end|>"), 20);
        QVERIFY(!tokenizer->special_id("he"));
    }

    void finds_single_words_and_spaces() {
        Json json = byte_level();
        json["added_tokens"] = {
            {{"id", 20}, {"content", "he"}, {"single_word", true}, {"normalized", false}},
            {{"id", 21}, {"content", "<t>"}, {"rstrip", true}, {"normalized", false}},
            {{"id", 22}, {"content", "  "}, {"normalized", false}}};
        const auto tokenizer = made(json);
        const auto ids = [&](const char* text) {
            return tokenizer->encode(text, SpecialTokens::Recognise);
        };
        QVERIFY(ids("he") == (Ids{20}));
        // Marks, joiners, roman numerals and letters in circles make a longer word.
        for (const char* const mark : {"\u0301", "\u200d", "\u2167", "\u24d0"}) {
            QVERIFY2(ids(("he" + std::string(mark)).c_str()) == (Ids{7}), mark);
            QVERIFY2(ids((mark + std::string("he")).c_str()) == (Ids{7}), mark);
        }
        // Spaces that rstrip took are a token of spaces, too.
        QVERIFY(ids("<t>  o") == (Ids{21, 22, 3}));
        QVERIFY(ids("<t>   o") == (Ids{21, 22, 4, 3}));
    }

    void decodes_added_tokens_as_normalized() {
        Json json = by_character();
        json["added_tokens"].push_back({{"id", 9}, {"content", "<t>"}, {"normalized", true}});
        const auto tokenizer = made(json);
        QVERIFY(tokenizer->encode("a <t>", SpecialTokens::Recognise) == (Ids{5, 9}));
        QCOMPARE(tokenizer->decode({5, 9}), std::string("a <t>"));
        QCOMPARE(tokenizer->piece(9), std::string("<t>"));
    }

    void cuts_words_by_classes_data() {
        QTest::addColumn<QString>("step");
        QTest::addColumn<QString>("text");
        QTest::addColumn<int>("count");
        const auto row = [](const Json& step, const char* text, int count) {
            QTest::addRow("%s %s", step.dump().c_str(), text)
                << QString::fromStdString(step.dump()) << text << count;
        };
        const auto split = [](const char* regex) {
            return Json{
                {"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", regex}}}};
        };
        const Json whitespace = {{"type", "Whitespace"}};
        row(whitespace, "he!! he", 3);
        row(whitespace, "e\u0301\u200de", 1);
        row(whitespace, "\u24d0e", 1);
        row(whitespace, "\u00b2e", 2);                  // a superscript is no word character
        row(split("\\w+"), "e\u0301\u24d0\u00b2e", 1);  // but it is one to \\w outside of brackets
        row(split("[^]\\w]+"), "e\u0301-", 2);
        row(split("[^]\\w]+"), "\u00b2-", 1);
        row(split("\\h"), "he ", 3);
    }

    void cuts_words_by_classes() {
        QFETCH(QString, step);
        QFETCH(QString, text);
        QFETCH(int, count);
        // Every word is unknown, and one.
        Json json = byte_level();
        json["added_tokens"] = Json::array();
        json["pre_tokenizer"] = Json::parse(step.toStdString());
        json["decoder"] = nullptr;
        json["model"] = {{"type", "BPE"},
                         {"unk_token", "?"},
                         {"fuse_unk", true},
                         {"vocab", {{"?", 0}}},
                         {"merges", Json::array()}};
        const auto tokenizer = made(json);
        QVERIFY(tokenizer != nullptr);
        QCOMPARE(int(tokenizer->encode(text.toStdString(), SpecialTokens::Plain).size()), count);
    }

    void encodes_by_character() {
        const auto tokenizer = made(by_character());
        QVERIFY(tokenizer != nullptr);
        const auto ids = [&](const char* text) {
            return tokenizer->encode(text, SpecialTokens::Recognise);
        };
        QVERIFY(ids("ab a") == (Ids{5, 4, 5}));
        QVERIFY(ids("  b") == (Ids{8, 2, 4}));
        QVERIFY(ids("é") == (Ids{2, 6, 7}));
        QVERIFY(ids("üü") == (Ids{2, 0}));
        // Every chunk between special tokens has its own prefix.
        QVERIFY(ids("a<s>a") == (Ids{5, 1, 5}));
        QVERIFY(tokenizer->encode("a", SpecialTokens::AddAndRecognise) == (Ids{1, 5}));
        QVERIFY(tokenizer->adds_bos());
        QCOMPARE(tokenizer->decode({1, 5, 4, 5, 6, 7}), std::string("ab aé"));
        QCOMPARE(tokenizer->decode({5, 6}), std::string("a\uFFFD"));
    }

    void applies_metaspace_and_normal_forms() {
        Json json = by_character();
        json["normalizer"] = {{"type", "NFC"}};
        json["pre_tokenizer"] = {{"type", "Metaspace"},
                                 {"replacement", "▁"},
                                 {"prepend_scheme", "first"},
                                 {"split", false}};
        const auto tokenizer = made(json);
        const auto ids = [&](const char* text) {
            return tokenizer->encode(text, SpecialTokens::Recognise);
        };
        QVERIFY(ids("ab a") == (Ids{5, 4, 5}));
        QVERIFY(ids(" a") == (Ids{5}));             // no second mark
        QVERIFY(ids("<s>a") == (Ids{1, 3}));        // only the text's first chunk
        QVERIFY(ids("e\u0301") == (Ids{2, 6, 7}));  // composed to é
    }

    void splits_by_behaviors_data() {
        QTest::addColumn<QString>("behavior");
        QTest::addColumn<bool>("invert");
        QTest::addColumn<int>("count");
        QTest::newRow("isolated") << "Isolated" << false << 4;
        QTest::newRow("removed") << "Removed" << false << 2;
        QTest::newRow("inverted") << "Removed" << true << 2;
        QTest::newRow("contiguous") << "Contiguous" << false << 3;
        QTest::newRow("previous") << "MergedWithPrevious" << false << 3;
        QTest::newRow("next") << "MergedWithNext" << false << 3;
    }

    void splits_by_behaviors() {
        QFETCH(QString, behavior);
        QFETCH(bool, invert);
        QFETCH(int, count);
        // One token per possible word of "he--he": with no merges but whole words, the number of
        // ids is the number of words.
        Json json = byte_level();
        json["added_tokens"] = Json::array();
        json["pre_tokenizer"] = {
            {"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Split"},
               {"pattern", {{"String", "-"}}},
               {"behavior", behavior.toStdString()},
               {"invert", invert}},
              {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
        json["model"] = {{"type", "BPE"},
                         {"ignore_merges", true},
                         {"merges", Json::array()},
                         {"vocab", {{"he", 0}, {"-", 1}, {"--", 2}, {"he-", 3}, {"-he", 4}}}};
        const auto tokenizer = made(json);
        QCOMPARE(int(tokenizer->encode("he--he", SpecialTokens::Plain).size()), count);
    }

    void refuses_unknown_components_by_name_data() {
        QTest::addColumn<QString>("patch");
        QTest::addColumn<QString>("name");
        const auto row = [](const char* patch, const char* name) {
            QTest::newRow(patch) << QString(patch) << QString(name);
        };
        row(R"({"normalizer": {"type": "Nmt"}})", "'Nmt'");
        row(R"({"normalizer": {"type": "Precompiled"}})", "'Precompiled'");
        row(R"({"pre_tokenizer": {"type": "UnicodeScripts"}})", "'UnicodeScripts'");
        row(R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Foo"}]}})",
            "'Foo'");
        row(R"({"decoder": {"type": "CTC"}})", "'CTC'");
        row(R"({"post_processor": {"type": "BertProcessing"}})", "'BertProcessing'");
        row(R"({"model": {"type": "Unigram"}})", "'Unigram'");
        row(R"({"model": {"end_of_word_suffix": "</w>"}})", "'end_of_word_suffix'");
        row(R"({"model": {"dropout": 0.1}})", "'dropout'");
        row(R"({"pre_tokenizer": {"type": "Split", "behavior": "X"}})", "behavior");
        row("{\"pre_tokenizer\": {\"type\": \"Split\", \"behavior\": \"Isolated\", "
            "\"pattern\": {\"Regex\": \"(\"}}}",
            "regular expression");
        row(R"({"model": {"vocab": {"h": -1}}})", "usable id");
        row(R"({"model": {"vocab": {"h": 99999999}}})", "usable id");
        row(R"({"model": {"merges": ["x y"]}})", "'x' and 'y'");
        row(R"({"model": {"merges": ["xy"]}})", "merge 0");
        row(R"({"model": {"merges": null}})", "no merges");
        row(R"({"model": null})", "no model");
        row(R"({"added_tokens": [{"id": 1}]})", "content");
    }

    void refuses_unknown_components_by_name() {
        QFETCH(QString, patch);
        QFETCH(QString, name);
        Json json = byte_level();
        json.merge_patch(Json::parse(patch.toStdString()));
        const auto tokenizer = opened(json.dump());
        QVERIFY(!tokenizer.ok());
        const QString text = QString::fromStdString(tokenizer.error().text());
        QVERIFY2(text.contains(name) && text.contains("t.json"), qPrintable(text));
    }

    void refuses_what_is_no_tokenizer() {
        for (const char* const text : {"", "{", "{\"a\":1}", "hello world\n", "AA== x\n", "[1]"}) {
            const auto tokenizer = opened(text);
            QVERIFY2(!tokenizer.ok(), text);
            QVERIFY(tokenizer.error().text().find("t.json") != std::string::npos);
        }
        const auto ranks = opened("AA== 0\nAQ== 0\n", "qwen.tiktoken");
        QVERIFY(!ranks.ok());
        QCOMPARE(ranks.error().where.line, 2);
    }

    void reads_rank_files() {
        // a, b, space, ab, " a": merged by rank; the specials follow behind.
        const auto tokenizer = opened("YQ== 0\nYg== 1\nIA== 2\nYWI= 3\nIGE= 4\n", "qwen.tiktoken");
        QVERIFY2(tokenizer.ok(), tokenizer.ok() ? "" : tokenizer.error().text().c_str());
        const auto ids = [&](const char* text, SpecialTokens special) {
            return (*tokenizer)->encode(text, special);
        };
        QVERIFY(ids("ab ab", SpecialTokens::Plain) == (Ids{3, 2, 3}));
        QVERIFY(ids("ab a", SpecialTokens::Plain) == (Ids{3, 4}));
        QVERIFY(ids("a<|im_start|>b", SpecialTokens::Recognise) == (Ids{0, 6, 1}));
        QVERIFY(ids("a<|im_start|>b", SpecialTokens::AddAndRecognise) == (Ids{0, 6, 1}));
        QCOMPARE(*(*tokenizer)->eos_id(), 5);
        QCOMPARE((*tokenizer)->vocab_size(), 5 + 208);
        const auto llama = opened("YQ== 0\nYg== 1\n", "tokenizer.model");
        QVERIFY((*llama)->encode("ab", SpecialTokens::AddAndRecognise) == (Ids{2, 0, 1}));
        QCOMPARE(*(*llama)->special_id("<|eot_id|>"), 2 + 9);
        QCOMPARE((*llama)->vocab_size(), 2 + 256);
    }

    void composes_where_a_model_folder_asks_for_it() {
        // e, the combining acute accent, é: only beside a config are the first two composed.
        const char* const ranks = "ZQ== 0\nzIE= 1\nw6k= 2\n";
        const std::string text = "e\u0301";
        QVERIFY((*opened(ranks, "qwen.tiktoken"))->encode(text, SpecialTokens::Plain) ==
                (Ids{0, 1}));
        const auto config =
            std::filesystem::path(m_folder.path().toStdString()) / "tokenizer_config.json";
        std::ofstream(config) << "{}";
        QVERIFY((*opened(ranks, "qwen.tiktoken"))->encode(text, SpecialTokens::Plain) == (Ids{2}));
        std::filesystem::remove(config);
    }

    void streams_whole_characters() {
        const auto tokenizer = made(byte_level());
        StreamDecoder stream(*tokenizer);
        QCOMPARE(stream.push(7), std::string("he"));
        QCOMPARE(stream.push(5), std::string());  // half of é
        QCOMPARE(stream.push(6), std::string("é"));
        QCOMPARE(stream.push(9), std::string(" he"));
        QCOMPARE(stream.push(5), std::string());
        QCOMPARE(stream.finish(), std::string("\uFFFD"));
        const auto spaced = made(by_character());
        StreamDecoder words(*spaced);
        std::string all;
        for (const int32_t id : {5, 4, 5, 6, 7, 5}) all += words.push(id);
        QCOMPARE(all + words.finish(), spaced->decode({5, 4, 5, 6, 7, 5}));
    }
};

DAYRUN_TEST(TestTokenizerJson)
#include "test_tokenizer_json.moc"
