// From a file of instruction rows to a token cache, beside Hugging Face datasets and tokenizers on
// the same file; how full packed rows are; how fast another mix is answered. Prints tables;
// `./test --bench`. DAYRUN_BENCH_MB makes the file smaller or larger than 1,000 MB.
// Reading is compared twice: the table that load_dataset makes with our parsed rows, each of which
// has been every cell's text once; and what the tokenizers are handed, texts in Python's lists or
// in Samples.
#include <QDir>
#include <QFile>
#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/compile/cache/data_compiler.h"
#include "core/data/read_samples.h"
#include "core/data/readers/row_reader.h"
#include "core/tokens/tokenizer.h"
#include "tests/support/shared.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
namespace fs = std::filesystem;

namespace {

const QString kScripts = QStringLiteral(DAYRUN_SOURCE_DIR "/tests/core/compile/huggingface/");

/// Qt's own limit of five minutes a function is for tests; ctest has one for benchmarks.
const bool kIsPatient = qputenv("QTEST_FUNCTION_TIMEOUT", "5400000");

int64_t bench_megabytes() {
    const QByteArray chosen = qgetenv("DAYRUN_BENCH_MB");
    return chosen.isEmpty() ? 1000 : std::max(1, chosen.toInt());
}

/// A program's standard output, or nothing, with the end of its errors in `problem`.
QByteArray output_of(const QString& program, const QStringList& arguments, QString& problem) {
    QProcess process;
    process.start(program, arguments);
    const bool is_done = process.waitForFinished(-1) && process.exitCode() == 0;
    if (!is_done) problem = QString::fromUtf8(process.readAllStandardError()).right(400);
    return is_done ? process.readAllStandardOutput() + "\n" : QByteArray();
}

/// Python with the peers, made once; empty when it cannot be.
QString make_environment(QString& problem) {
    const QString folder = QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation) +
                           "/dayrun/huggingface";
    const QString python = folder + "/bin/python";
    const QStringList check{"-c", "import datasets, tokenizers"};
    if (QFile::exists(python) && !output_of(python, check, problem).isEmpty()) return python;
    if (output_of("python3", {"-m", "venv", folder}, problem).isEmpty()) return {};
    const QStringList install{"-m", "pip", "install", "-q", "-r", kScripts + "requirements.txt"};
    return output_of(python, install, problem).isEmpty() ? QString() : python;
}

/// Instruction rows with a language's word frequencies; texts of Dolly where they are there.
void write_rows(const fs::path& path, int64_t bytes) {
    std::vector<std::string> words;
    if (const auto dolly = dayrun::tests::shared_path("data/dolly/dolly_sample.jsonl")) {
        std::ifstream lines(*dolly);
        for (std::string line; std::getline(lines, line);) {
            const auto json = nlohmann::json::parse(line, nullptr, false);
            for (const auto& [key, value] : json.items()) {
                std::istringstream text(value.is_string() ? value.get<std::string>() : "");
                for (std::string word; text >> word;) words.push_back(word);
            }
        }
    }
    Rng rng(1);
    while (words.size() < 20'000) {
        std::string word;
        for (uint64_t k = rng.below(3) + 1; k > 0; --k) {
            word += std::string(1, "bdfgklmnprst"[rng.below(12)]) + "aeiou"[rng.below(5)];
        }
        words.push_back(word);
    }
    const auto text = [&](uint64_t count) {
        std::string joined;
        for (size_t at = rng.below(words.size() - count); count > 0; --count, ++at) {
            joined += (joined.empty() ? "" : " ") + words[at];
        }
        return joined;
    };
    std::ofstream file(path, std::ios::binary);
    for (int64_t size = 0; size < bytes;) {
        const nlohmann::ordered_json row{
            {"instruction", text(5 + rng.below(35))},
            {"input", rng.below(3) > 0 ? "" : text(10 + rng.below(140))},
            {"output", text(5 + rng.below(195))}};
        const std::string line = row.dump() + "\n";
        file << line;
        size += static_cast<int64_t>(line.size());
    }
}

Recipe recipe_of(const fs::path& folder, const std::string& file) {
    Recipe recipe;
    recipe.folder = folder;
    recipe.data.emplace_back();
    recipe.data[0].name = "rows";
    recipe.data[0].path = file;
    return recipe;
}

double cpu_of_reading(const DataSource& source) {
    const double start = process_cpu_s();
    const auto rows = open_rows(source.files[0]);
    RawRow row;
    while (*(*rows)->next(row)) {
    }
    return process_cpu_s() - start;
}

double cpu_of_converting(const DataSource& source) {
    const double start = process_cpu_s();
    SampleReader reader(source);
    SampleBlock samples;
    while (*reader.read(kBlockSamples, samples)) samples.clear();
    return process_cpu_s() - start;
}

void line(const char* what, double ours_s, double theirs_s, double megabytes) {
    std::printf("%-36s %9.1f MB/s %9.1f MB/s %8.1f x\n", what, megabytes / ours_s,
                megabytes / theirs_s, theirs_s / ours_s);
}

}  // namespace

class TestDataPathBench : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void from_file_to_token_cache() {
        DAYRUN_REQUIRE_SHARED(vocabulary, "tokenizers/mistral-7b-v0.1/tokenizer.json");
        const dayrun::tests::TempFolder folder;
        write_rows(folder / "rows.jsonl", bench_megabytes() * 1'000'000);
        const double megabytes = static_cast<double>(fs::file_size(folder / "rows.jsonl")) / 1e6;
        Recipe recipe = recipe_of(folder.path(), "rows.jsonl");
        const auto tokenizer = open_tokenizer(vocabulary);
        QVERIFY(tokenizer.ok());
        const auto source = open_source(recipe.data[0], recipe.folder, Hashing::No);
        const double rows_s = cpu_of_reading(*source);
        const double read_s = cpu_of_converting(*source);
        const double reading_peak = static_cast<double>(peak_resident_bytes()) / 1048576;
        const double start = process_cpu_s();
        const auto data = compile_data(recipe, tokenizer->get(), folder / "cache");
        const double whole_s = process_cpu_s() - start;
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        const double peak = static_cast<double>(peak_resident_bytes()) / 1048576;
        std::printf("%.0f MB of instruction rows, %lld samples, %lld tokens\n", megabytes,
                    static_cast<long long>((*data)->sources[0].rows_in),
                    static_cast<long long>((*data)->sources[0].tokens));
        std::printf("peak memory: reading %.0f MiB, compiling %.0f MiB\n", reading_peak, peak);
        QString problem;
        const QString python = make_environment(problem);
        if (python.isEmpty()) QSKIP(qPrintable("the peers cannot be installed: " + problem));
        const auto output = output_of(
            python,
            {kScripts + "prepare.py", QString::fromStdString((folder / "rows.jsonl").string()),
             QString::fromStdString(vocabulary.string()),
             QString::fromStdString((folder / "peer").string())},
            problem);
        QVERIFY2(!output.isEmpty(), qPrintable(problem));
        const auto peer = nlohmann::json::parse(output.toStdString());
        std::printf("Hugging Face: %lld tokens, peak memory %.0f MiB\n",
                    static_cast<long long>(peer["tokens"].get<int64_t>()),
                    peer["peak_bytes"].get<double>() / 1048576);
        std::printf("%-36s %14s %14s %10s\n", "MB per core-second", "Dayrun", "Hugging Face", "");
        line("file to parsed rows / table", rows_s, peer["load_s"].get<double>(), megabytes);
        line("file to samples / lists of texts", read_s, peer["read_s"].get<double>(), megabytes);
        line("file to token cache", whole_s, peer["whole_s"].get<double>(), megabytes);
    }

    void packed_rows_are_full() {
        DAYRUN_REQUIRE_SHARED(rows, "data/dolly/dolly_hhrlhf_train_small.jsonl");
        DAYRUN_REQUIRE_SHARED(vocabulary, "tokenizers/mistral-7b-v0.1/tokenizer.json");
        const dayrun::tests::TempFolder folder;
        const auto tokenizer = open_tokenizer(vocabulary);
        Recipe recipe = recipe_of(folder.path(), rows.string());
        recipe.tokens.max_seq_len = 2048;
        recipe.data[0].columns = {{"instruction", "prompt"}, {"response", "response"}};
        const auto data = compile_data(recipe, tokenizer->get(), folder / "cache");
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        const auto tokens = static_cast<double>((*data)->sources[0].tokens);
        const auto slots = static_cast<double>((*data)->rows_in_epoch(0) * 2048);
        std::printf("packing Dolly rows at 2,048: %lld samples fill %.2f %% of the slots\n",
                    static_cast<long long>((*data)->train_rows()), 100 * tokens / slots);
        QVERIFY(tokens >= 0.98 * slots);
    }

    void another_mix_is_answered_at_once() {
        constexpr int kSources = 20;
        constexpr int kRows = 50'000;
        const dayrun::tests::TempFolder folder;
        Recipe recipe;
        recipe.folder = folder.path();
        for (int i = 0; i < kSources; ++i) {
            DataSpec spec;
            spec.name = "s" + std::to_string(i);
            spec.path = spec.name + ".jsonl";
            spec.converter = "token_ids";
            spec.use = SourceUse::Train;
            std::ofstream file(folder / spec.path, std::ios::binary);
            for (int row = 0; row < kRows; ++row) {
                file << "{\"input_ids\":[" << i << "," << row % 30000 << ",3,4,5]}\n";
            }
            recipe.data.push_back(spec);
        }
        const auto data = compile_data(recipe, nullptr, folder / "cache");
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        double worst_ms = 0;
        for (int change = 1; change <= 100; ++change) {
            for (int i = 0; i < kSources; ++i) recipe.data[i].weight = 1.0 + (i * change) % 7;
            const Stopwatch watch;
            const auto sources = (*data)->mix_sources(recipe);
            const auto plan = plan_mix(sources, recipe.mix);
            QVERIFY(plan.ok());
            const auto figures = mix_figures(sources, *plan, recipe.mix, recipe.batch.epochs);
            QCOMPARE(figures.size(), size_t{kSources});
            worst_ms = std::max(worst_ms, watch.elapsed_ms());
        }
        const double start = process_cpu_s();
        const auto again = compile_data(recipe, nullptr, folder / "cache");
        const double again_s = process_cpu_s() - start;
        QVERIFY(again.ok() && (*again)->sources[0].from_cache);
        std::printf(
            "20 sources, 1,000,000 rows: another ratio answered in %.3f ms at worst (at "
            "most 100)\n",
            worst_ms);
        std::printf("the same with every cache opened and hashed again: %.2f core-seconds\n",
                    again_s);
        QVERIFY(worst_ms < 100);
    }
};

DAYRUN_TEST(TestDataPathBench)
#include "test_data_path_bench.moc"
