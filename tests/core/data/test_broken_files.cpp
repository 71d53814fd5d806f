// Files as strangers send them: rows, or one clear sentence, never a crash or a hang.
#include <QTemporaryDir>
#include <QTest>
#include <fstream>

#include "core/base/clock.h"
#include "core/data/inspect.h"
#include "core/data/read_samples.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

/// "n rows, m bad (the first: …)" or the error's text.
std::string told(const Result<FileInspection>& found) {
    if (!found.ok()) return "error: " + found.error().text();
    std::string text =
        std::to_string(found->row_count) + " rows, " + std::to_string(found->bad_rows) + " bad";
    return found->first_bad_row.empty() ? text : text + " (" + found->first_bad_row + ")";
}

DataSource source_of(const std::filesystem::path& path) {
    DataSpec spec;
    spec.name = "s";
    spec.path = path.string();
    return *open_source(spec, {}, Hashing::No);
}

}  // namespace

class TestBrokenFiles : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::filesystem::path write(const std::string& name, const std::string& content) {
        const std::filesystem::path path = m_folder.path().toStdString() + "/" + name;
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }

    void walk(const std::filesystem::path& folder, int least) {
        int files = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            const Stopwatch watch;
            const auto found = inspect_file(entry.path());
            ++files;
            const std::string name = entry.path().filename().string();
            QVERIFY2(watch.elapsed_s() < 20, name.c_str());
            if (found.ok()) {
                // A bad row is told with its place.
                const bool is_told =
                    found->bad_rows == 0 || found->first_bad_row.find(name) != std::string::npos;
                QVERIFY2(is_told, found->first_bad_row.c_str());
                QVERIFY2(found->row_count >= found->bad_rows, name.c_str());
            } else {
                // One sentence that names the file, and a hint.
                const Error& error = found.error();
                QVERIFY2(error.message.find(name) != std::string::npos, error.message.c_str());
                QVERIFY2(error.message.ends_with("."), error.message.c_str());
                QVERIFY2(!error.hint.empty(), error.message.c_str());
            }
            qInfo("%s: %s (%.2f s)", name.c_str(), told(found).c_str(), watch.elapsed_s());
        }
        QVERIFY(files >= least);
    }

  private Q_SLOTS:
    void every_broken_text_file_is_told() {
        DAYRUN_REQUIRE_SHARED(folder, "data/broken");
        walk(folder, 5);
    }

    void every_parquet_file_is_told() {
        DAYRUN_REQUIRE_SHARED(folder, "parquet");
        walk(folder, 50);
    }

    void damage_is_told_with_file_and_line_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* name, const QByteArray& content, const char* expected) {
            QTest::newRow(name) << name << content << expected;
        };
        row("blank.jsonl", " \n\n", "0 rows, 0 bad");
        row("empty.json", "", "0 rows, 0 bad");
        row("quote.jsonl", "{\"a\": \"b}\n{\"a\": \"c\"}\n",
            "2 rows, 1 bad (quote.jsonl:1: a string is not closed)");
        row("tail.jsonl", "{\"a\": 1} x\n{\"a\": 2}\n",
            "2 rows, 1 bad (tail.jsonl:1: it is not JSON)");
        row("half.json",
            "[{\"a\": 1}, {\"a\": ", "half.json:1: the file ends inside its JSON array.");
        row("utf8.jsonl", "{\"a\": 1}\n{\"a\": \"\xC3(\"}\n",
            "2 rows, 1 bad (utf8.jsonl:2: it is not valid UTF-8)");
        row("utf8.csv", "a,b\n1,\xE2\x28\xA1\n",
            "1 rows, 1 bad (utf8.csv:2: it is not valid UTF-8)");
        row("cells.csv", "a,b\n1,2,3\n1,\"2\n3\"\n",
            "2 rows, 1 bad (cells.csv:2: it has 3 cells where the header has 2)");
        row("cut.jsonl.gz", QByteArray("\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\xAB\x56", 12),
            "cut.jsonl.gz is damaged or cut short");
        row("noise.jsonl.zst", QByteArray("\x28\xB5\x2F\xFDxxxxxxxx", 12),
            "noise.jsonl.zst is damaged or cut short");
        row("short.parquet", "PAR1", "short.parquet is no Parquet file that can be read");
        row("footer.parquet", QByteArray("PAR1\xFF\xFF\xFF\x7FPAR1", 12),
            "footer.parquet is no Parquet file that can be read");
        row("nest.jsonl",
            "{\"a\": " + QByteArray(5000, '[') + QByteArray(5000, ']') + "}\n{\"a\": 1}\n",
            "2 rows, 1 bad (nest.jsonl:1: it is nested too deeply)");
    }
    void damage_is_told_with_file_and_line() {
        QFETCH(QString, name);
        QFETCH(QByteArray, content);
        QFETCH(QString, expected);
        const std::string text =
            told(inspect_file(write(name.toStdString(), content.toStdString())));
        QVERIFY2(text.find(expected.toStdString()) != std::string::npos, text.c_str());
    }

    // promises.md row 34: the first failing row with file and line; nothing but sentences.
    void a_row_of_the_wrong_shape_is_listed_and_the_import_goes_on() {
        std::string content;
        for (int i = 0; i < 300; ++i) {
            content += i == 7 ? "{\"prompt\": 3}\n" : "{\"question\": \"q\", \"answer\": \"a\"}\n";
        }
        SampleReader reader(source_of(write("mixed.jsonl", content)));
        SampleBlock samples;
        const auto more = reader.read(1000, samples);
        QVERIFY2(more.ok() && !*more, more.ok() ? "" : more.error().text().c_str());
        QCOMPARE(samples.size(), size_t{299});
        QCOMPARE(reader.rows_in(), int64_t{300});
        const auto& bad = reader.dropped().reasons.at(kBadRow);
        QCOMPARE(bad.count, int64_t{1});
        QCOMPARE(bad.examples[0],
                 std::string("mixed.jsonl:8: it has no `question`; its fields are prompt"));
    }

    void more_than_one_bad_row_in_a_hundred_asks() {
        std::string content;
        for (int i = 0; i < 200; ++i) {
            content +=
                i % 50 == 3 ? "{\"question\"\n" : "{\"question\": \"q\", \"answer\": \"a\"}\n";
        }
        DataSource source = source_of(write("rotten.jsonl", content));
        SampleBlock samples;
        const auto refused = SampleReader(source).read(1000, samples);
        QVERIFY(!refused.ok());
        const std::string text = refused.error().text();
        QVERIFY2(text.find("4 of 200 rows of 's' are bad, more than the 1 %") != std::string::npos,
                 text.c_str());
        QVERIFY2(text.find("rotten.jsonl:4: ") != std::string::npos, text.c_str());
        QVERIFY2(text.find("max_bad_rows: 0.02") != std::string::npos, text.c_str());
        // The recipe's key is the acknowledgement.
        source.max_bad_rows = 0.02;
        samples.clear();
        SampleReader accepting(source);
        QVERIFY(accepting.read(1000, samples).ok());
        QCOMPARE(samples.size(), size_t{196});
    }

    // Long before its end: a wrong file of gigabytes is not read through.
    void a_wrong_file_is_refused_early() {
        std::string content;
        for (int i = 0; i < 200'000; ++i) content += "not json\n";
        SampleBlock samples;
        SampleReader reader(source_of(write("wrong.jsonl", content)));
        QVERIFY(!reader.read(1'000'000, samples).ok());
        QVERIFY(reader.bad_rows() <= 1000);
    }

    void a_file_that_changed_while_it_was_read_is_noticed() {
        const auto path = write("grows.jsonl", "{\"question\": \"q\", \"answer\": \"a\"}\n");
        const DataSource source = source_of(path);
        QVERIFY(check_unchanged(source).ok());
        std::ofstream(path, std::ios::app) << "{\"question\": \"q\", \"answer\": \"a\"}\n";
        const auto changed = check_unchanged(source);
        QVERIFY(!changed.ok());
        QVERIFY(changed.error().message.find("changed while it was read") != std::string::npos);
    }
};

DAYRUN_TEST(TestBrokenFiles)
#include "test_broken_files.moc"
