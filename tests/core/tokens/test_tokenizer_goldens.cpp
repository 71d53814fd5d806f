// Ids and texts of every reference tokenizer file. Small fixtures of the same code are in
// test_tokenizer_json.cpp and test_bpe_model.cpp.
#include <QTest>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/atomic_file.h"
#include "core/tokens/tokenizer.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using Ids = std::vector<int32_t>;

class TestTokenizerGoldens : public QObject {
    Q_OBJECT

    static void check_vectors(const Tokenizer& tokenizer, const std::filesystem::path& stem) {
        const auto inputs = read_file(stem.string() + ".inp");
        const auto outputs = read_file(stem.string() + ".out");
        QVERIFY(inputs.ok() && outputs.ok());
        const std::string mark = "\n__ggml_vocab_test__\n";
        std::istringstream lines(*outputs);
        size_t from = 0;
        int count = 0;
        while (from < inputs->size()) {
            size_t end = inputs->find(mark, from);
            if (end == std::string::npos) break;
            const std::string text = inputs->substr(from, end - from);
            from = end + mark.size();
            std::string line;
            QVERIFY(std::getline(lines, line));
            std::istringstream numbers(line);
            Ids expected;
            for (int32_t id = 0; numbers >> id;) expected.push_back(id);
            QVERIFY2(tokenizer.encode(text, SpecialTokens::Recognise) == expected, text.c_str());
            ++count;
        }
        QVERIFY(count > 30);
    }

  private Q_SLOTS:
    void encodes_and_decodes_as_the_references_data() {
        QTest::addColumn<QString>("golden");
        for (const char* const name :
             {"gpt2-json", "mistral-7b-v0.1-json", "torchtune-json", "qwen1-tiktoken",
              "stories260K", "mistral-7b-v0.1", "sentencepiece-ja", "sentencepiece-unigram-1k"}) {
            QTest::newRow(name) << name;
        }
    }

    void encodes_and_decodes_as_the_references() {
        QFETCH(QString, golden);
        DAYRUN_REQUIRE_SHARED(goldens, "goldens/tokenizers");
        const auto json =
            nlohmann::json::parse(*read_file(goldens / (golden.toStdString() + ".json")));
        const auto file = *dayrun::tests::shared_path("tokenizers") / json["file"];
        const auto tokenizer = open_tokenizer(file);
        QVERIFY2(tokenizer.ok(), tokenizer.ok() ? "" : tokenizer.error().text().c_str());
        const auto special =
            file.extension() == ".json" ? SpecialTokens::Recognise : SpecialTokens::Plain;
        for (const auto& row : json["cases"]) {
            const Ids expected = row["ids"];
            const Ids ids = (*tokenizer)->encode(row["text"].get<std::string>(), special);
            QVERIFY2(ids == expected, (row.dump() + " -> " + nlohmann::json(ids).dump()).c_str());
            if (!row.contains("decoded")) continue;
            const std::string text = (*tokenizer)->decode_with_specials(expected);
            QVERIFY2(text == row["decoded"], (row.dump() + " -> '" + text + "'").c_str());
        }
    }

    void encodes_published_vectors() {
        DAYRUN_REQUIRE_SHARED(tokenizers, "tokenizers");
        const auto gpt2 = open_tokenizer(tokenizers / "gpt2" / "tokenizer.json");
        QVERIFY(gpt2.ok());
        check_vectors(**gpt2, tokenizers / "llama_cpp_vectors" / "ggml-vocab-gpt-2.gguf");
        const auto qwen = open_tokenizer(tokenizers / "qwen");
        QVERIFY(qwen.ok());
        check_vectors(**qwen, tokenizers / "llama_cpp_vectors" / "ggml-vocab-qwen2.gguf");
        const Ids chat = {151644, 872, 198, 13048, 151645, 198};
        const std::string text = "<|im_start|>user\nHi<|im_end|>\n";
        QVERIFY((*qwen)->encode(text, SpecialTokens::Recognise) == chat);
        QVERIFY((*qwen)->encode(text, SpecialTokens::Plain) != chat);
        QCOMPARE((*qwen)->vocab_size(), 151851);
        QCOMPARE((*qwen)->decode((*qwen)->encode(text, SpecialTokens::Plain)), text);
    }

    void adds_bos_by_the_models_rule() {
        DAYRUN_REQUIRE_SHARED(folder, "tokenizers/mistral-7b-v0.1");
        for (const char* const name : {"tokenizer.json", "tokenizer.model"}) {
            const auto tokenizer = open_tokenizer(folder / name);
            QVERIFY(tokenizer.ok());
            QVERIFY((*tokenizer)->adds_bos());
            QCOMPARE(*(*tokenizer)->bos_id(), 1);
            QCOMPARE(*(*tokenizer)->eos_id(), 2);
            QCOMPARE((*tokenizer)->vocab_size(), 32000);
            // legacy: each chunk between special tokens has its own dummy prefix.
            const std::string text = "Hi</s> x";
            const Ids added = (*tokenizer)->encode(text, SpecialTokens::AddAndRecognise);
            Ids bare = (*tokenizer)->encode(text, SpecialTokens::Recognise);
            bare.insert(bare.begin(), 1);
            QVERIFY(added == bare);
            QCOMPARE(std::count(added.begin(), added.end(), 2), 1);
            QCOMPARE((*tokenizer)->decode(added), std::string("Hi  x"));
        }
    }

    void agrees_between_the_files_of_one_model() {
        // The same vocabulary as tokenizer.json and as sentencepiece gives the same ids.
        DAYRUN_REQUIRE_SHARED(folder, "tokenizers/mistral-7b-v0.1");
        DAYRUN_REQUIRE_SHARED(rows, "data/gsm8k/train.jsonl");
        const auto json = open_tokenizer(folder / "tokenizer.json");
        const auto model = open_tokenizer(folder / "tokenizer.model");
        std::istringstream lines(*read_file(rows));
        int count = 0;
        for (std::string line; std::getline(lines, line) && count < 500; ++count) {
            const Ids ids = (*json)->encode(line, SpecialTokens::Plain);
            QVERIFY2((*model)->encode(line, SpecialTokens::Plain) == ids, line.c_str());
            QCOMPARE((*json)->decode(ids), line);
        }
        QVERIFY(count > 100);
    }
};

DAYRUN_TEST(TestTokenizerGoldens)
#include "test_tokenizer_goldens.moc"
