// A training step against transformers + PEFT in interleaved pairs: the same random model, adapter
// and rows, r 16 on seven projections, batch 4 x 256, CPU seconds of the whole process. Each side
// is a process of its own, so that its peak memory is its own. The first steps' losses are compared
// before anything is timed. Prints docs/benchmarks.md's table; about 10 minutes on an idle machine.
// One thread each, or the numbers in DAYRUN_BENCH_THREADS, as in "1 2"; 0 is what each program
// takes by itself.
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "core/base/rng.h"
#include "tests/engine/engine_support.h"
#include "tests/support/peft_environment.h"
#include "tests/support/step_process.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

constexpr int kRows = 4, kLength = 256;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool write_rows(const std::string& path, int64_t vocab, double masked) {
    std::ofstream file(path);
    for (uint64_t i = 0; i < kRows; ++i) {
        const PackedRow row = random_row(kLength, vocab, i, masked);
        file << nlohmann::json{{"input_ids", row.tokens}, {"labels", row.labels}}.dump() << '\n';
    }
    return file.good();
}

/// One shape in one type on disk, with an adapter whose B is not zero.
struct Setting {
    QTemporaryDir folder;
    std::string base = folder.filePath("base").toStdString();
    std::string adapter = folder.filePath("adapter").toStdString();

    bool make(const TinyModel& model, TensorDtype dtype) {
        std::filesystem::create_directories(base);
        if (!write_tiny_model(base, model, 1, dtype)) return false;
        Recipe recipe = lora_recipe(base, 16, 32);
        recipe.adapter.target_modules = kSevenProjections;
        return write_random_adapter(adapter, recipe, 0.01);
    }
    nlohmann::json settings(const std::string& dtype, int threads) const {
        return {{"model", base},          {"adapter", adapter}, {"dtype", dtype},
                {"adapter_dtype", dtype}, {"threads", threads}, {"learning_rate", 1e-4}};
    }
};

/// The numbers of threads to compare.
QList<int> thread_counts() {
    QList<int> counts;
    for (const QString& word : qEnvironmentVariable("DAYRUN_BENCH_THREADS", "1").split(' ')) {
        counts.push_back(word.toInt());
    }
    return counts;
}

/// What is common to the rows of a table.
struct Row {
    const char* shape;
    std::string dtype;
    int threads;
};

struct Side {
    std::vector<double> cpu_s, wall_s;
    double loss = 0;

    bool step(StepProcess& process) {
        const auto answer = process.ask("step");
        if (!answer.is_object()) return false;
        cpu_s.push_back(answer["cpu_s"].get<double>());
        wall_s.push_back(answer["wall_s"].get<double>());
        loss = answer["loss"].get<double>();
        return true;
    }
};

void print_row(const Row& row, double trained, const Side& ours, const Side& theirs,
               double floor_s) {
    std::vector<double> ratios;
    for (size_t i = 0; i < ours.cpu_s.size(); ++i) {
        ratios.push_back(theirs.cpu_s[i] / ours.cpu_s[i]);
    }
    const double our_s = median(ours.cpu_s), their_s = median(theirs.cpu_s);
    std::printf(
        "| %s | %s | %d | %.0f %% | %.5f / %.5f | %.3f | %.3f | %.3f | %.3f / %.3f "
        "| %.0f / %.0f | %.2fx |\n",
        row.shape, row.dtype.c_str(), row.threads, 100 * trained, ours.loss, theirs.loss, floor_s,
        our_s, their_s, median(ours.wall_s), median(theirs.wall_s), kRows * kLength / our_s,
        kRows * kLength / their_s, median(ratios));
    std::fflush(stdout);
}

void print_memory(const Row& row, const nlohmann::json& ours, const nlohmann::json& theirs) {
    const auto mib = [](const nlohmann::json& answer, const char* field) {
        return answer[field].get<double>() / (1 << 20);
    };
    const double our_peak = mib(ours, "peak_bytes"), their_peak = mib(theirs, "peak_bytes");
    const double our_own = our_peak - mib(ours, "start_bytes");
    const double their_own = their_peak - mib(theirs, "start_bytes");
    std::printf(
        "memory, %s, %s, %d threads: peak of the process %.0f / %.0f MiB = %.2fx; above its start "
        "%.0f / %.0f MiB = %.2fx\n",
        row.shape, row.dtype.c_str(), row.threads, our_peak, their_peak, our_peak / their_peak,
        our_own, their_own, our_own / their_own);
    std::fflush(stdout);
}

}  // namespace

class TestPeftBench : public QObject {
    Q_OBJECT
    QString m_python;

  private Q_SLOTS:
    void initTestCase() {
        QString problem;
        m_python = make_peft_environment(problem);
        if (m_python.isEmpty()) QSKIP(qPrintable("PEFT cannot be installed here: " + problem));
        std::printf(
            "| shape | type | threads | trained | loss, Dayrun / PEFT | products alone, s | "
            "Dayrun, s "
            "| PEFT, s | wall, s | tokens per CPU second | ratio |\n"
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    }

    void steps_data() {
        QTest::addColumn<bool>("is_large");
        QTest::addColumn<QString>("dtype");
        QTest::addColumn<int>("threads");
        for (const bool is_large : {false, true}) {
            for (const char* const dtype : {"float32", "bfloat16"}) {
                for (const int threads : thread_counts()) {
                    QTest::addRow("%s, %s, %d threads", is_large ? "large" : "small", dtype,
                                  threads)
                        << is_large << dtype << threads;
                }
            }
        }
    }
    void steps() {
        QFETCH(bool, is_large);
        QFETCH(QString, dtype);
        QFETCH(int, threads);
        const bool is_bfloat16 = dtype == "bfloat16";
        const TinyModel model = is_large ? large_shape() : small_shape();
        const Row row{is_large ? "large" : "small", dtype.toStdString(), threads};
        Setting setting;
        QVERIFY(setting.make(model, is_bfloat16 ? TensorDtype::BFloat16 : TensorDtype::Float32));
        const auto settings = setting.settings(row.dtype, threads);
        StepProcess ours(DAYRUN_TRAIN_STEPS, {}, settings);
        QVERIFY2(ours.is_ready(), ours.problem().c_str());
        StepProcess theirs(m_python, {kPeftScripts + "train_steps.py"}, settings);
        QVERIFY2(theirs.is_ready(), theirs.problem().c_str());
        for (const double trained : {1.0, 0.3}) {
            const std::string rows = setting.folder.filePath("rows.jsonl").toStdString();
            QVERIFY(write_rows(rows, model.vocab, 1 - trained));
            QVERIFY(ours.ask("rows " + rows).is_object());
            QVERIFY(theirs.ask("rows " + rows).is_object());
            Side warm_ours, warm_theirs;
            for (int i = 0; i < 2; ++i) {
                QVERIFY2(warm_ours.step(ours), ours.problem().c_str());
                QVERIFY2(warm_theirs.step(theirs), theirs.problem().c_str());
                const double off = std::abs(warm_ours.loss / warm_theirs.loss - 1);
                QVERIFY2(off < (is_bfloat16 ? 5e-3 : 1e-5),
                         qPrintable(QString("losses %1 and %2")
                                        .arg(warm_ours.loss, 0, 'g', 9)
                                        .arg(warm_theirs.loss, 0, 'g', 9)));
            }
            Side our_side, their_side;
            for (int i = 0; i < (is_large ? 3 : 9); ++i) {
                QVERIFY2(our_side.step(ours), ours.problem().c_str());
                QVERIFY2(their_side.step(theirs), theirs.problem().c_str());
            }
            // The memory of a step, before the floor's own.
            if (trained == 1.0) {
                print_memory(row, ours.ask("memory"), theirs.ask("memory"));
            }
            print_row(row, trained, our_side, their_side, ours.number("floor", "cpu_s"));
        }
    }
};

DAYRUN_TEST(TestPeftBench)
#include "test_peft_bench.moc"
