// Every converter on its published layout (fixtures/, written by hand), detection, and the real
// rows that lie beside the project: samples and listed drops together are all rows.
#include <QTest>
#include <map>

#include "core/data/inspect.h"
#include "core/data/read_samples.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

struct Read {
    SampleBlock samples;
    DropReport dropped;
    int64_t rows_in = 0;
    std::string converter;
    std::string error;
};

Read read_source(DataSpec spec) {
    Read read;
    if (spec.name.empty()) spec.name.push_back('s');
    auto source = open_source(spec, {}, Hashing::No);
    if (!source.ok()) {
        read.error = source.error().text();
        return read;
    }
    SampleReader reader(std::move(source).value());
    while (true) {
        const auto more = reader.read(1000, read.samples);
        if (!more.ok()) read.error = more.error().text();
        if (!more.ok() || !*more) break;
    }
    read.dropped = reader.dropped();
    read.rows_in = reader.rows_in();
    read.converter = reader.converter_name();
    return read;
}

Read read_fixture(const std::string& file, const DataSpec& base = {}) {
    DataSpec spec = base;
    spec.path = DAYRUN_SOURCE_DIR "/tests/core/data/fixtures/" + file;
    return read_source(spec);
}

/// What one fixture gives: which converter is found, how many samples, and the first one's fields.
struct Expected {
    std::string file, converter;
    size_t samples;
    int64_t dropped;
    std::map<std::string, std::string> fields;
};

const std::vector<Expected>& expectations() {
    static const std::vector<Expected> all{
        {"natural_instructions/task1_color_classification.json",
         "natural_instructions",
         2,
         1,
         {{"instruction", "Name the color."},
          {"input", "snow"},
          {"response", "white"},
          {"task", "task1_color_classification"},
          {"category", "Classification"},
          {"input_language", "English"}}},
        {"natural_instructions_old.json",
         "natural_instructions",
         1,
         0,
         {{"instruction", "Double it."}, {"input", "2"}, {"response", "4"}}},
        {"natural_instructions_hub.jsonl",
         "natural_instructions",
         1,
         0,
         {{"instruction", "Double it."}, {"input", "2"}, {"response", "4"}}},
        {"open_platypus.jsonl",
         "open_platypus",
         2,
         0,
         {{"instruction", "What is 2+2?"}, {"response", "4"}, {"data_source", "scibench"}}},
        {"math_instruct.json",
         "math_instruct",
         2,
         0,
         {{"instruction", ""},
          {"input", "How many?"},
          {"response", "One and two.\nThe answer is: 3"},
          {"source", "data/CoT/gsm_train.json"}}},
        {"quac.json", "quac", 1, 0, {{"response", "in 1912"}, {"turns", "4"}}},
        {"quac_hub.jsonl", "quac", 1, 0, {{"response", "in 1912"}, {"turns", "4"}}},
        {"openbookqa.jsonl",
         "openbookqa",
         2,
         0,
         {{"input", "The sun is\n\nA. a star\nB. a planet"}, {"response", "a star"}}},
        {"cnn_dailymail.jsonl",
         "cnn_dailymail",
         1,
         1,
         {{"input", "Long news."}, {"response", "Short ."}}},
        {"lima.jsonl", "lima", 2, 1, {{"input", "Hi?"}, {"response", "Yes."}, {"turns", "2"}}},
        {"mmlu.jsonl",
         "mmlu",
         1,
         0,
         {{"response", "C"},
          {"letter", "C"},
          {"choices", "A.one\nB.two\nC.three\nD.four\n"},
          {"question", "Which?"}}},
        {"mmlu/dev/anatomy_dev.csv",
         "mmlu",
         2,
         0,
         {{"subject", "anatomy"}, {"response", "B"}, {"letter", "B"}}},
        {"bigbench/task.json",
         "bigbench",
         2,
         0,
         {{"input", "Is it?\n  choice: no\n  choice: yes"},
          {"inputs", "Is it?"},
          {"response", "yes"},
          {"choices", "A.no\nB.yes\n"},
          {"letter", "B"}}},
        {"bigbench_hub.jsonl",
         "bigbench",
         1,
         0,
         {{"response", "yes"}, {"choices", "A.no\nB.yes\n"}, {"letter", "B"}}},
        {"truthfulqa.csv",
         "truthfulqa",
         1,
         0,
         {{"question", "Do bats see?"},
          {"response", "Yes"},
          {"choices", "A.Yes\nB.No\nC.Never\n"}}},
        {"truthfulqa_choice.jsonl",
         "truthfulqa",
         1,
         0,
         {{"response", "Yes"}, {"choices", "A.Yes\nB.No\n"}, {"letter", "A"}}},
        {"gsm8k.jsonl", "gsm8k", 2, 0, {{"input", "3+4?"}, {"response", "3+4=<<3+4=7>>7\n#### 7"}}},
        {"dolly.jsonl",
         "dolly",
         1,
         1,
         {{"instruction", "Sum up."},
          {"input", "A text."},
          {"response", "Short."},
          {"context", "A text."}}},
        {"oasst1.jsonl",
         "oasst1",
         1,
         2,
         {{"input", "Hello"}, {"response", "better"}, {"turns", "4"}}},
        {"tldr.jsonl",
         "tldr",
         1,
         0,
         {{"input", "SUBREDDIT: r/x\n\nTITLE: t\n\nPOST: p\n\nTL;DR:"},
          {"response", "s"},
          {"post", "p"}}},
        {"alpaca.json",
         "alpaca",
         2,
         1,
         {{"instruction", "Say hi."}, {"input", ""}, {"response", "hi"}}},
        {"prompt_completion.jsonl",
         "prompt_completion",
         1,
         0,
         {{"input", "Q"}, {"response", " A"}}},
        {"sharegpt.json",
         "sharegpt",
         1,
         0,
         {{"input", "hi"}, {"response", "hello"}, {"system", "S"}}},
        {"messages.jsonl", "messages", 2, 0, {{"input", "hi"}, {"response", "hello"}}},
        {"question_answer.jsonl", "question_answer", 1, 0, {{"input", "Q?"}, {"response", "A"}}},
        {"text.jsonl", "text", 1, 1, {{"text", "Once upon a time."}}},
        {"token_ids.jsonl", "token_ids", 2, 0, {}}};
    return all;
}

}  // namespace

class TestConverters : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void each_set_is_recognised_and_converted_data() {
        QTest::addColumn<int>("index");
        for (size_t i = 0; i < expectations().size(); ++i) {
            QTest::newRow(expectations()[i].file.c_str()) << static_cast<int>(i);
        }
    }

    void each_set_is_recognised_and_converted() {
        QFETCH(int, index);
        const Expected& expected = expectations()[static_cast<size_t>(index)];
        const Read read = read_fixture(expected.file);
        QVERIFY2(read.error.empty(), read.error.c_str());
        QCOMPARE(read.converter, expected.converter);
        QCOMPARE(read.samples.size(), expected.samples);
        QCOMPARE(read.dropped.total(), expected.dropped);
        QCOMPARE(read.rows_in, static_cast<int64_t>(expected.samples) + expected.dropped);
        for (const auto& [name, value] : expected.fields) {
            const std::string found(read.samples[0].field(name));
            QVERIFY2(found == value, (name + " is: " + found).c_str());
        }
        const auto inspected =
            inspect_file(DAYRUN_SOURCE_DIR "/tests/core/data/fixtures/" + expected.file);
        QVERIFY(inspected.ok());
        QCOMPARE(inspected->converter, expected.converter);
        QCOMPARE(inspected->samples, static_cast<int64_t>(expected.samples));
    }

    void every_converter_has_a_fixture() {
        for (const Converter& converter : converters()) {
            const bool has_one =
                std::any_of(expectations().begin(), expectations().end(),
                            [&](const Expected& one) { return one.converter == converter.name; });
            QVERIFY2(has_one, std::string(converter.name).c_str());
        }
    }

    void a_set_that_none_fits_says_its_fields() {
        const Read read = read_fixture("unknown.jsonl");
        QVERIFY2(read.error.find("its fields") != std::string::npos ||
                     read.error.find("their fields are left, right") != std::string::npos,
                 read.error.c_str());
        DataSpec spec;
        spec.columns = {{"instruction", "left"}, {"response", "right"}};
        const Read mapped = read_fixture("unknown.jsonl", spec);
        QCOMPARE(mapped.samples.size(), size_t{1});
        QCOMPARE(mapped.samples[0].field("response"), std::string("b"));
    }

    void single_messages_of_oasst1_are_no_plain_text() {
        const Read read = read_fixture("oasst1_messages.jsonl");
        QVERIFY(read.samples.empty());
        QVERIFY2(read.error.find("trees.jsonl.gz") != std::string::npos, read.error.c_str());
    }

    void a_dialogue_can_be_one_sample_or_several() {
        DataSpec spec;
        QCOMPARE(read_fixture("lima.jsonl").samples[1].messages().size(), size_t{4});
        spec.turns = TurnsRule::First;
        const Read first = read_fixture("lima.jsonl", spec);
        QCOMPARE(first.samples.size(), size_t{2});
        QCOMPARE(first.samples[1].messages().size(), size_t{2});
        spec.turns = TurnsRule::Each;
        const Read each = read_fixture("lima.jsonl", spec);
        QCOMPARE(each.samples.size(), size_t{3});
        QCOMPARE(each.samples[2].field("input"), std::string("And?"));
        QVERIFY(each.samples[1].sample_id != each.samples[2].sample_id);
    }

    void fields_are_worded_anew() {
        DataSpec spec;
        spec.turns = TurnsRule::Each;
        spec.fields = {{"input", "Question:{input}\n"}, {"response", "Answer:{response}"}};
        const Read each = read_fixture("lima.jsonl", spec);
        QCOMPARE(each.samples[0].messages()[0].content, std::string("Question:Hi?\n"));
        QCOMPARE(each.samples[0].messages()[1].content, std::string("Answer:Yes."));
        spec.fields = {{"input", "{nothing}"}};
        const Read unknown = read_fixture("lima.jsonl", spec);
        QVERIFY2(unknown.error.find("{nothing}") != std::string::npos, unknown.error.c_str());
        spec.turns = TurnsRule::Whole;
        spec.fields = {{"input", "{input}"}};
        QVERIFY(read_fixture("lima.jsonl", spec).error.find("turns: first") != std::string::npos);
        spec.fields = {{"instruction", "Question: \n"},
                       {"input", "{question}\n{choices}Answer:"},
                       {"response", "{letter}"}};
        const Read choice = read_fixture("mmlu.jsonl", spec);
        QCOMPARE(choice.samples[0].messages()[0].content,
                 std::string("Question: \n\n\nWhich?\nA.one\nB.two\nC.three\nD.four\nAnswer:"));
        QCOMPARE(choice.samples[0].messages()[1].content, std::string("C"));
    }

    // Rows of each real file = samples + listed drops; nothing is an error, nothing vanishes.
    void every_row_of_the_real_sets_is_accounted_for() {
        DAYRUN_REQUIRE_SHARED(data, "data");
        struct Real {
            const char* path;
            const char* converter;
            int64_t rows;
            std::vector<std::pair<std::string, std::string>> columns = {};
        };
        const Real all[] = {{"gsm8k/train.jsonl", "gsm8k", 3500},
                            {"gsm8k/test.jsonl", "gsm8k", 1319},
                            {"truthfulqa/TruthfulQA.csv", "truthfulqa", -1},
                            {"quac/quac_sample.json", "quac", -1},
                            {"mmlu/dev", "mmlu", 285},
                            {"mmlu/test", "mmlu", -1},
                            {"bigbench", "bigbench", -1},
                            {"bbh", "bigbench", -1},
                            {"superni/tasks", "natural_instructions", -1},
                            {"oasst/en_100_tree.jsonl", "oasst1", -1},
                            {"dolly/dolly_hhrlhf_train_small.jsonl", "prompt_completion", -1},
                            {"dolly/dolly_sample.jsonl", "prompt_completion", -1},
                            {"instruction_formats/identity.json", "alpaca", -1},
                            {"instruction_formats/glaive_toolcall_en_demo.json", "sharegpt", -1},
                            {"instruction_formats/v1_sft_demo.jsonl", "messages", -1},
                            {"litgpt/alpaca.json", "alpaca", -1},
                            {"litgpt/dolly.json", "dolly", -1},
                            {"litgpt/longform_train.json", "question_answer", -1},
                            {"litgpt/longform_val.json", "question_answer", -1},
                            {"text/tinystories_sample.txt", "text", -1}};
        for (const Real& one : all) {
            DataSpec spec;
            spec.path = (data / one.path).string();
            spec.columns = one.columns;
            const Read read = read_source(spec);
            QVERIFY2(read.error.empty(), (std::string(one.path) + ": " + read.error).c_str());
            QCOMPARE(read.converter, std::string(one.converter));
            QVERIFY2(!read.samples.empty(), one.path);
            QCOMPARE(static_cast<int64_t>(read.samples.size()) + read.dropped.total(),
                     read.rows_in);
            QVERIFY2(!read.dropped.reasons.contains("bad row"), one.path);
            if (one.rows > 0) QCOMPARE(read.rows_in, one.rows);
            for (const Sample& sample : read.samples) {
                QVERIFY(sample.messages().empty() || !sample.field("response").empty());
            }
        }
    }
};

DAYRUN_TEST(TestConverters)
#include "test_converters.moc"
