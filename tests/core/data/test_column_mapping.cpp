// The mapping that an inspection proposes: as the converter read the rows, or by the columns'
// names; and a source read by it.
#include <QTest>

#include <fstream>

#include "core/data/inspect.h"
#include "core/data/read_samples.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

const std::filesystem::path kFixtures = DAYRUN_SOURCE_DIR "/tests/core/data/fixtures";

std::string proposed(const std::filesystem::path& file) {
    const auto found = inspect_file(file);
    return found.ok() ? mapping_yaml(found->mapping) : found.error().text();
}

/// Instruction, input and reply of every sample.
std::vector<std::string> texts(const DataSpec& spec) {
    std::vector<std::string> all;
    SampleReader reader(*open_source(spec, {}, Hashing::No));
    SampleBlock samples;
    if (!reader.read(1000, samples).ok()) return all;
    for (const Sample& sample : samples) {
        std::string line;
        for (const char* field : {"instruction", "input", "response"}) {
            line.append(sample.field(field)).append("|");
        }
        all.push_back(line);
    }
    return all;
}

}  // namespace

class TestColumnMapping : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void a_known_set_shows_the_columns_it_takes() {
        QCOMPARE(proposed(kFixtures / "alpaca.json"),
                 std::string("{instruction: instruction, input: input, response: output}"));
        QCOMPARE(proposed(kFixtures / "dolly.jsonl"),
                 std::string("{instruction: instruction, input: context, response: response}"));
        QCOMPARE(proposed(kFixtures / "prompt_completion.jsonl"),
                 std::string("{input: prompt, response: completion}"));
        QCOMPARE(proposed(kFixtures / "text.jsonl"), std::string("{text: text}"));
        // A converter that words its samples itself: the names are a beginning.
        QCOMPARE(proposed(kFixtures / "mmlu.jsonl"),
                 std::string("{instruction: question, response: answer}"));
        QCOMPARE(proposed(kFixtures / "mmlu/dev/anatomy_dev.csv"),
                 std::string("{instruction: question, response: answer}"));
        QCOMPARE(proposed(kFixtures / "lima.jsonl"), std::string("{}"));
    }

    void a_mapping_in_the_converters_place_gives_its_samples() {
        for (const char* name : {"dolly.jsonl", "alpaca.json", "prompt_completion.jsonl"}) {
            DataSpec spec;
            spec.name = "s";
            spec.path = (kFixtures / name).string();
            const auto by_converter = texts(spec);
            spec.columns = inspect_file(spec.path)->mapping;
            QVERIFY(!by_converter.empty());
            QCOMPARE(texts(spec), by_converter);
        }
    }

    void a_set_none_fits_is_mapped_by_its_columns_names() {
        const dayrun::tests::TempFolder folder;
        const auto write = [&](const std::string& line) {
            std::ofstream(folder / "rows.jsonl") << line << "\n";
            return folder / "rows.jsonl";
        };
        QCOMPARE(proposed(write(R"({"Question": "q", "Passage": "p", "Reply": "r", "id": 1})")),
                 std::string("{instruction: Question, input: Passage, response: Reply}"));
        QCOMPARE(proposed(write(R"({"body": "b", "title": "t"})")), std::string("{text: body}"));
        QCOMPARE(proposed(write(R"({"colour": "red"})")), std::string("{}"));
        QCOMPARE(mapping_yaml({{"response", "the answer: \"x\""}}),
                 std::string("{response: \"the answer: \\\"x\\\"\"}"));
    }
};

DAYRUN_TEST(TestColumnMapping)
#include "test_column_mapping.moc"
