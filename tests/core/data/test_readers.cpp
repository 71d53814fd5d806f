// Rows out of files: every text format, line numbers, bad rows, packed files, damaged files.
#include <QTemporaryDir>
#include <QTest>
#include <fstream>

#include "core/data/inspect.h"
#include "core/data/read_samples.h"
#include "core/data/source_browser.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

/// All rows of a file: "ok" or the problem, with the line, or the error of the file itself.
struct ReadBack {
    std::vector<RawRow> rows;
    std::string error;
};

ReadBack read_all(const std::filesystem::path& path) {
    ReadBack back;
    DataSpec spec;
    spec.name = "s";
    spec.path = path.string();
    auto source = open_source(spec, {}, Hashing::No);
    if (!source.ok()) return {{}, source.error().text()};
    for (const SourceFile& file : source->files) {
        auto reader = open_rows(file);
        if (!reader.ok()) return {{}, reader.error().text()};
        RawRow row;
        while (true) {
            auto has_row = (*reader)->next(row);
            if (!has_row.ok()) {
                back.error = has_row.error().text();
                return back;
            }
            if (!*has_row) break;
            back.rows.push_back(row);
        }
    }
    return back;
}

}  // namespace

class TestReaders : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::filesystem::path write(const std::string& name, const std::string& content) {
        const std::filesystem::path path = m_folder.path().toStdString() + "/" + name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }

  private Q_SLOTS:
    void json_lines_name_their_lines() {
        const auto back =
            read_all(write("a.jsonl",
                           "\xEF\xBB\xBF{\"a\": 1}\n\n  {\"a\": \"x\\ny\"}\r\n{\"a\": \n{\"a\": "
                           "\"\xFF\"}\n7\n{\"a\": null}"));
        QCOMPARE(back.error, std::string());
        QCOMPARE(back.rows.size(), size_t{6});
        QCOMPARE(back.rows[0].line, int64_t{1});
        QCOMPARE(back.rows[1].line, int64_t{3});
        QCOMPARE(back.rows[1].value.find("a")->string(), std::string("x\ny"));
        QVERIFY(!back.rows[2].problem.empty());
        QCOMPARE(back.rows[2].line, int64_t{4});
        QCOMPARE(back.rows[3].problem, std::string("it is not valid UTF-8"));
        QCOMPARE(back.rows[4].problem, std::string("it is an integer, not an object"));
        QCOMPARE(back.rows[5].line, int64_t{7});
    }

    void a_row_of_ten_megabytes_is_refused_and_the_next_one_read() {
        std::string content = "{\"a\": \"" + std::string(10'000'000, 'x') + "\"}\n{\"a\": 2}\n";
        const auto back = read_all(write("long.jsonl", content));
        QCOMPARE(back.rows.size(), size_t{2});
        QVERIFY(back.rows[0].problem.find("more than the 8") != std::string::npos);
        QCOMPARE(back.rows[1].line, int64_t{2});
        QCOMPARE(back.rows[1].value.find("a")->integer(), int64_t{2});
    }

    void json_arrays_are_cut_at_their_elements() {
        const auto back =
            read_all(write("a.json", "[\n {\"a\": \"],[\\\"\"},\n {\"a\": [1, {\"b\": 2}]}\n]\n"));
        QCOMPARE(back.error, std::string());
        QCOMPARE(back.rows.size(), size_t{2});
        QCOMPARE(back.rows[0].value.find("a")->string(), std::string("],[\""));
        QCOMPARE(back.rows[1].line, int64_t{3});
        QCOMPARE(read_all(write("e.json", "[]")).rows.size(), size_t{0});
        QVERIFY(read_all(write("t.json", "[{\"a\": 1}, {\"a\"")).error.find("ends inside") !=
                std::string::npos);
        QVERIFY(read_all(write("m.json", "[{\"a\": 1}] x")).error.find("more behind") !=
                std::string::npos);
        QVERIFY(!read_all(write("c.json", "[{\"a\": 1},, {\"a\": 1}]")).error.empty());
    }

    void an_object_with_an_array_gives_its_rows() {
        const auto path = write("task1_x.json",
                                R"({"Definition": ["Do it."], "Positive Examples": [],
            "Instances": [{"input": "a", "output": ["b", "c"]}, {"input": "d", "output": []}]})");
        DataSpec spec;
        spec.name = "ni";
        spec.path = path.string();
        auto source = open_source(spec, {}, Hashing::Yes);
        QVERIFY(source.ok());
        SampleReader reader(*source);
        SampleBlock samples;
        auto more = reader.read(10, samples);
        QVERIFY2(more.ok(), more.ok() ? "" : more.error().text().c_str());
        QCOMPARE(samples.size(), size_t{1});
        QCOMPARE(reader.converter_name(), std::string("natural_instructions"));
        QCOMPARE(samples[0].field("instruction"), std::string("Do it."));
        QCOMPARE(samples[0].field("response"), std::string("b"));
        QCOMPARE(samples[0].field("task"), std::string("task1_x"));
        QCOMPARE(reader.rows_in(), int64_t{2});
        QCOMPARE(reader.dropped().reasons.at("no answer").count, int64_t{1});
    }

    void json_objects_of_columns_are_tables() {
        const auto back = read_all(write("c.json", R"({"q": ["a", null], "n": [1, [2]]})"));
        QCOMPARE(back.rows.size(), size_t{2});
        QCOMPARE(back.rows[0].value.json(), std::string(R"({"q": "a", "n": 1})"));
        QCOMPARE(back.rows[1].value.json(), std::string(R"({"q": null, "n": [2]})"));
        // Ids and their labels are one row, and so are arrays of different lengths.
        for (const char* const one :
             {R"({"input_ids": [1, 2], "labels": [1, 2]})", R"({"a": ["x"], "b": ["y", "z"]})",
              R"({"a": ["x", "y"]})", R"({"a": ["x"], "b": "y"})"}) {
            QCOMPARE(read_all(write("o.json", one)).rows.size(), size_t{1});
        }
    }

    void csv_quotes_inside_a_cell_are_text() {
        for (const auto& [name, separator] : {std::pair{"q.csv", ","}, std::pair{"q.tsv", "\t"}}) {
            const std::string sep = separator;
            const auto back =
                read_all(write(name, "q" + sep + "a\n5\" pipe" + sep + "x\n\"\"\"b\"\"\n\"" + sep +
                                         "\"\"\nlast" + sep + "\"open\nnext" + sep + "y\n"));
            QCOMPARE(back.rows.size(), size_t{3});
            QCOMPARE(back.rows[0].value.find("q")->string(), std::string("5\" pipe"));
            QCOMPARE(back.rows[0].value.find("a")->string(), std::string("x"));
            QCOMPARE(back.rows[1].value.find("q")->string(), std::string("\"b\"\n"));
            QCOMPARE(back.rows[1].value.find("a")->string(), std::string());
            // Not closed up to the end of the file: told, with all it took in.
            QCOMPARE(back.rows[2].line, int64_t{5});
            QVERIFY(back.rows[2].problem.find("not closed") != std::string::npos);
        }
    }

    void csv_cells_may_hold_separators_and_breaks() {
        const auto back =
            read_all(write("a.csv", "q,a\r\n\"one, \"\"two\"\"\nthree\",4\r\nonly one\nx,y\n"));
        QCOMPARE(back.rows.size(), size_t{3});
        QCOMPARE(back.rows[0].value.find("q")->string(), std::string("one, \"two\"\nthree"));
        QCOMPARE(back.rows[0].line, int64_t{2});
        QVERIFY(back.rows[1].problem.find("1 cells where the header has 2") != std::string::npos);
        QCOMPARE(back.rows[2].line, int64_t{5});
        const auto tabs = read_all(write("a.tsv", "q\ta\tb\nx\ty\t\n"));
        QCOMPARE(tabs.rows.size(), size_t{1});
        QCOMPARE(tabs.rows[0].problem, std::string());
        QCOMPARE(tabs.rows[0].value.find("b")->string(), std::string());
    }

    void text_documents_end_at_their_mark() {
        const auto back = read_all(write("a.txt", "One.\nTwo.\n<|endoftext|>\nThree.\n"));
        QCOMPARE(back.rows.size(), size_t{2});
        QCOMPARE(back.rows[0].value.find("text")->string(), std::string("One.\nTwo."));
        QCOMPARE(back.rows[1].value.find("text")->string(), std::string("Three."));
        QCOMPARE(back.rows[1].line, int64_t{4});
    }

    // A file of books does not take a thousand of them into memory at once.
    void long_rows_come_in_small_blocks() {
        std::string content;
        for (int i = 0; i < 40; ++i) {
            content += "{\"text\": \"" + std::string(1'000'000, 'x') + "\"}\n";
        }
        DataSpec spec;
        spec.name = "books";
        spec.path = write("books.jsonl", content).string();
        SampleReader reader(*open_source(spec, {}, Hashing::No));
        size_t total = 0;
        bool has_more = true;
        while (has_more) {
            SampleBlock samples;
            auto more = reader.read(1000, samples);
            QVERIFY(more.ok());
            QVERIFY(samples.size() <= 17);
            total += samples.size();
            has_more = *more;
        }
        QCOMPARE(total, size_t{40});
    }

    void more_than_one_percent_bad_rows_is_an_error() {
        std::string content;
        for (int i = 0; i < 300; ++i)
            content += "{\"question\": \"q\", \"answer\": \"a #### 1\"}\n";
        const std::string good = content;
        const auto read = [&](const std::string& text) {
            DataSpec spec;
            spec.name = "s";
            spec.path = write("b.jsonl", text).string();
            SampleReader reader(*open_source(spec, {}, Hashing::No));
            SampleBlock samples;
            auto more = reader.read(100000, samples);
            return more.ok() ? std::string() : more.error().text();
        };
        QCOMPARE(read(good + "{broken\n{broken\n"), std::string());
        const std::string error = read("{broken\n" + good + "{broken\n{broken\n{broken\n");
        QVERIFY2(error.find("4 of 304 rows") != std::string::npos, error.c_str());
        QVERIFY2(error.find("b.jsonl:1: ") != std::string::npos, error.c_str());
    }

    void rows_without_a_known_shape_name_their_fields() {
        DataSpec spec;
        spec.name = "odd";
        spec.path = write("odd.jsonl", "{\"colour\": \"red\", \"taste\": 3}\n").string();
        SampleReader reader(*open_source(spec, {}, Hashing::No));
        SampleBlock samples;
        auto more = reader.read(10, samples);
        QVERIFY(!more.ok());
        QVERIFY(more.error().text().find("colour, taste") != std::string::npos);
        spec.columns = {{"instruction", "colour"}, {"response", "taste"}};
        SampleReader mapped(*open_source(spec, {}, Hashing::No));
        QVERIFY(mapped.read(10, samples).ok());
        QCOMPARE(samples[0].field("response"), std::string("3"));
    }

    void inspection_tells_the_first_bad_row() {
        const auto path =
            write("i.jsonl", "{\"instruction\": \"a\", \"output\": \"b\", \"n\": 1}\nnope\n");
        auto found = inspect_file(path);
        QVERIFY(found.ok());
        QCOMPARE(found->converter, std::string("alpaca"));
        QCOMPARE(found->row_count, int64_t{2});
        QCOMPARE(found->bad_rows, int64_t{1});
        QVERIFY(found->first_bad_row.starts_with("i.jsonl:2: "));
        QCOMPARE(found->columns.at(2).type, std::string("integer"));
    }

    void the_browser_reads_rows_by_number() {
        std::string content;
        for (int i = 0; i < 3000; ++i) {
            content += "{\"question\": \"q" + std::to_string(i) + "\", \"answer\": \"a\"}\n";
        }
        DataSpec spec;
        spec.name = "b";
        spec.path = write("browse.jsonl", content).string();
        auto browser = SourceBrowser::open(spec, {});
        QVERIFY(browser.ok());
        QVERIFY((*browser)->build().ok());
        QCOMPARE((*browser)->row_count(), int64_t{3000});
        QVERIFY((*browser)->is_complete());
        auto rows = (*browser)->rows(2998, 10);
        QVERIFY(rows.ok());
        QCOMPARE(rows->size(), size_t{2});
        QCOMPARE(rows->at(1).place, std::string("browse.jsonl:3000"));
        QCOMPARE(rows->at(1).samples[0].field("input"), std::string("q2999"));
        std::stop_source stop;
        stop.request_stop();
        auto cancelled = SourceBrowser::open(spec, {});
        QCOMPARE((*cancelled)->build({}, stop.get_token()).error().code, ErrorCode::Cancelled);
    }

    /// pyarrow wrote it: a dictionary of texts, lists of a fixed size, and lists of a dictionary.
    void parquet_kinds_read_as_plain_values() {
        const auto back = read_all(DAYRUN_SOURCE_DIR "/tests/core/data/fixtures/kinds.parquet");
        QCOMPARE(back.error, std::string());
        std::vector<std::string> texts;
        for (const RawRow& row : back.rows) texts.push_back(row.value.json());
        QVERIFY2(texts == (std::vector<std::string>{
                              R"({"category": "qa", "pair": ["a", "b"], "names": ["x", "y"]})",
                              R"({"category": "sum", "pair": ["c", null], "names": []})",
                              R"({"category": null, "pair": null, "names": ["y"]})"}),
                 texts.empty() ? "no rows" : texts.front().c_str());
    }

    /// Every file of the reference data: rows or one clear sentence.
    void shared_files_never_crash_data() {
        QTest::addColumn<QString>("folder");
        for (const char* folder : {"data", "parquet"}) QTest::newRow(folder) << folder;
    }
    void shared_files_never_crash() {
        QFETCH(QString, folder);
        const auto root = dayrun::tests::shared_path(folder.toStdString());
        if (!root) QSKIP("reference data ../shared is not here");
        int files = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(*root)) {
            if (!entry.is_regular_file() || !describe_file(entry.path()).ok()) continue;
            ++files;
            auto found = inspect_file(entry.path());
            const std::string name = entry.path().lexically_relative(*root).string();
            const std::string told =
                found.ok() ? std::to_string(found->row_count) + " rows, " + found->converter + " " +
                                 std::to_string(found->samples) + " samples, " +
                                 std::to_string(found->dropped.total()) + " dropped. " +
                                 found->first_bad_row
                           : found.error().text();
            qInfo("%s: %s", name.c_str(), told.c_str());
            QVERIFY2(found.ok() || found.error().message.size() > 20, name.c_str());
        }
        QVERIFY(files > 10);
    }

    void shared_sets_are_detected() {
        DAYRUN_REQUIRE_SHARED(data, "data");
        const std::vector<std::tuple<std::string, std::string, int64_t>> expected{
            {"gsm8k/train.jsonl", "gsm8k", 3500},
            {"gsm8k/test.jsonl", "gsm8k", 1319},
            {"dolly/dolly_sample.jsonl", "prompt_completion", -1},
            {"litgpt/dolly.json", "dolly", -1},
            {"litgpt/alpaca.json", "alpaca", -1},
            {"litgpt/longform_train.json", "question_answer", -1},
            {"instruction_formats/identity.json", "alpaca", -1},
            {"instruction_formats/v1_sft_demo.jsonl", "messages", -1},
            {"instruction_formats/glaive_toolcall_en_demo.json", "sharegpt", -1},
            {"quac/quac_sample.json", "quac", -1},
            {"oasst/en_100_tree.jsonl", "oasst1", -1},
            {"mmlu/dev/abstract_algebra_dev.csv", "mmlu", 5},
            {"bigbench/navigate/task.json", "bigbench", -1},
            {"bbh/snarks.json", "bigbench", -1},
            {"superni/tasks/task1289_trec_classification.json", "natural_instructions", -1},
        };
        for (const auto& [name, converter, rows] : expected) {
            auto found = inspect_file(data / name);
            QVERIFY2(found.ok(), name.c_str());
            QCOMPARE(found->converter, converter);
            QVERIFY2(found->samples > 0, name.c_str());
            if (rows >= 0) QCOMPARE(found->samples, rows);
        }
    }
};

DAYRUN_TEST(TestReaders)
#include "test_readers.moc"
