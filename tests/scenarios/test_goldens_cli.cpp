// Reference figures of every family through the command line, as another person would ask for them:
// log-probabilities, logits, gradients, a 30-step token_ids recipe, the merged model, the greedy
// continuation. And 4-bit: a checkpoint that Dayrun writes computes what --quantization nf4 does.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <cstring>
#include <set>

#include "core/base/atomic_file.h"
#include "core/model/safetensors.h"
#include "tests/scenarios/program.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::write_file;

namespace {

namespace fs = std::filesystem;

/// Tensors of a file as doubles (F32, I64).
struct Tensors {
    std::map<std::string, std::vector<double>> values;
    std::map<std::string, std::vector<int64_t>> shapes;
};

Tensors read_tensors(const fs::path& path) {
    Tensors read;
    const auto file = dayrun::core::SafetensorsFile::open(path);
    if (!file.ok()) return read;
    for (const auto& view : (*file)->tensors()) {
        read.shapes[view.name] = view.shape;
        for (int64_t i = 0; i < view.element_count(); ++i) {
            if (view.dtype == dayrun::core::TensorDtype::Int64) {
                int64_t id = 0;
                std::memcpy(&id, view.bytes.data() + i * 8, 8);
                read.values[view.name].push_back(static_cast<double>(id));
            } else {
                float value = 0;
                std::memcpy(&value, view.bytes.data() + i * 4, 4);
                read.values[view.name].push_back(value);
            }
        }
    }
    return read;
}

/// The rows of input_ids and labels as JSONL.
std::string rows_of(const Tensors& tensors) {
    const int64_t rows = tensors.shapes.at("input_ids").at(0);
    const int64_t length = tensors.shapes.at("input_ids").at(1);
    std::string text;
    for (int64_t row = 0; row < rows; ++row) {
        nlohmann::json line = {{"input_ids", nlohmann::json::array()},
                               {"labels", nlohmann::json::array()}};
        for (const char* const key : {"input_ids", "labels"}) {
            for (int64_t i = 0; i < length; ++i) {
                const double id = tensors.values.at(key)[static_cast<size_t>(row * length + i)];
                line[key].push_back(static_cast<int64_t>(id));
            }
        }
        text += line.dump() + "\n";
    }
    return text;
}

double relative(const std::vector<double>& got, const std::vector<double>& want) {
    if (got.size() != want.size() || want.empty()) return INFINITY;
    double difference = 0, norm = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        difference += (got[i] - want[i]) * (got[i] - want[i]);
        norm += want[i] * want[i];
    }
    return std::sqrt(difference / norm);
}

double largest(const std::vector<double>& got, const std::vector<double>& want) {
    if (got.size() != want.size() || want.empty()) return INFINITY;
    double off = 0;
    for (size_t i = 0; i < want.size(); ++i) off = std::max(off, std::abs(got[i] - want[i]));
    return off;
}

nlohmann::json read_json(const fs::path& path) {
    const auto text = dayrun::core::read_file(path);
    return text.ok() ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
}

QString q(const fs::path& path) {
    return QString::fromStdString(path.string());
}

}  // namespace

class TestGoldensCli : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path made(const char* name) const { return m_folder.filePath(name).toStdString(); }
    static void add_families() {
        QTest::addColumn<QString>("family");
        for (const char* const family :
             {"llama", "llama3-rope", "mistral", "qwen1", "qwen2", "qwen3"}) {
            QTest::newRow(family) << family;
        }
    }
    static std::optional<fs::path> golden() {
        QFETCH(QString, family);
        return shared_path("goldens/models/" + family.toStdString());
    }
    static ProgramResult run_one(QStringList arguments) {
        arguments << "--threads"
                  << "1";
        return run_dayrun(arguments);
    }

  private Q_SLOTS:
    void log_probabilities_data() { add_families(); }
    void log_probabilities() {
        const auto folder = golden();
        if (!folder) QSKIP("reference data ../shared/goldens/models is not here");
        const Tensors want = read_tensors(*folder / "forward.safetensors");
        QVERIFY(write_file(made("rows.jsonl"), rows_of(want)).ok());
        const auto got = run_one({"logprobs", "--model", q(*folder), "--rows",
                                  q(made("rows.jsonl")), "--json", "--logits", q(made("logits"))});
        QVERIFY2(got.exit_code == 0, got.errors.c_str());
        const auto result = got.lines().at(0);
        const double loss = read_json(*folder / "forward.json")["loss"].get<double>();
        QVERIFY(std::abs(result["loss"].get<double>() - loss) < 1e-5);
        std::vector<double> logprobs;
        for (const auto& row : result["rows"]) {
            for (const auto& value : row["logprobs"]) logprobs.push_back(value.get<double>());
        }
        QVERIFY(largest(logprobs, want.values.at("token_logprobs")) < 1e-4);
        QVERIFY(largest(read_tensors(made("logits")).values.at("logits"),
                        want.values.at("logits")) < 1e-4);
    }

    void continuation_data() { add_families(); }
    void continuation() {
        const auto folder = golden();
        if (!folder) QSKIP("reference data ../shared/goldens/models is not here");
        const auto want = read_json(*folder / "generate.json");
        const auto list = [](const nlohmann::json& ids) {
            std::string text;
            for (const auto& id : ids) text += (text.empty() ? "" : ",") + id.dump();
            return text;
        };
        const auto got = run_one({"generate", "--model", q(*folder), "--prompt-ids",
                                  QString::fromStdString(list(want["prompt"])), "--max-new-tokens",
                                  QString::number(want["greedy"].size())});
        QVERIFY2(got.exit_code == 0, got.errors.c_str());
        QCOMPARE(got.output, list(want["greedy"]) + "\n");
    }

    void adapters_data() {
        QTest::addColumn<QString>("family");
        QTest::addColumn<QString>("method");
        for (const char* const family :
             {"llama", "llama3-rope", "mistral", "qwen1", "qwen2", "qwen3"}) {
            QTest::addRow("%s lora", family) << family << "lora";
        }
        QTest::addRow("llama rslora") << "llama"
                                      << "rslora";
        QTest::addRow("llama dora") << "llama"
                                    << "dora";
    }
    void adapters() {
        const auto family = golden();
        if (!family) QSKIP("reference data ../shared/goldens/models is not here");
        QFETCH(QString, method);
        const fs::path adapter = *family / method.toStdString();
        check_gradients(*family, adapter);
        if (!fs::exists(adapter / "final")) return;  // no run of this family
        check_run(*family, adapter);
        check_merge(*family, adapter);
    }

    void four_bits_data() {
        QTest::addColumn<bool>("is_double");
        QTest::newRow("double") << true;
        QTest::newRow("plain") << false;
    }
    void four_bits() {
        DAYRUN_REQUIRE_SHARED(family, "goldens/models/qwen2");
        QFETCH(bool, is_double);
        // A copy, beside which the cache may lie.
        fs::create_directories(made("base"));
        for (const char* const name : {"config.json", "model.safetensors"}) {
            fs::copy_file(family / name, made("base") / name, fs::copy_options::skip_existing);
        }
        const QString word = is_double ? "true" : "false";
        fs::remove_all(made("four"));
        const auto exported = run_one({"export", "--model", q(made("base")), "--to", "nf4", "--out",
                                       q(made("four")), "--double-quantization", word, "--json"});
        QVERIFY2(exported.exit_code == 0, exported.errors.c_str());
        QVERIFY(
            write_file(made("rows.jsonl"), rows_of(read_tensors(family / "forward.safetensors")))
                .ok());
        const auto loss_of = [&](const QStringList& more) {
            const auto result =
                run_one(QStringList{"logprobs", "--rows", q(made("rows.jsonl")), "--json",
                                    "--adapter", q(family / "lora" / "final")} +
                        more);
            if (result.exit_code != 0) qWarning("%s", result.errors.c_str());
            return result.output;
        };
        const auto of_checkpoint = loss_of({"--model", q(made("four"))});
        QCOMPARE(of_checkpoint, loss_of({"--model", q(made("base")), "--quantization", "nf4",
                                         "--double-quantization", word}));
        QVERIFY(of_checkpoint != loss_of({"--model", q(made("base"))}));
        // Merged into the weights that it saw, the adapter computes the same.
        fs::remove_all(made("merged"));
        const auto merged =
            run_one({"export", "--model", q(made("four")), "--adapter",
                     q(family / "lora" / "final"), "--to", "merged", "--out", q(made("merged"))});
        QVERIFY2(merged.exit_code == 0, merged.errors.c_str());
        const auto alone = run_one(
            {"logprobs", "--model", q(made("merged")), "--rows", q(made("rows.jsonl")), "--json"});
        const double a = alone.lines().at(0)["loss"].get<double>();
        const double b = nlohmann::json::parse(of_checkpoint)["loss"].get<double>();
        QVERIFY2(std::abs(a - b) < 1e-5 * b, qPrintable(QString("%1, not %2").arg(a).arg(b)));
    }

  private:
    void check_gradients(const fs::path& family, const fs::path& adapter) {
        const Tensors want = read_tensors(adapter / "step1.safetensors");
        QVERIFY(write_file(made("rows.jsonl"), rows_of(want)).ok());
        const auto got =
            run_one({"logprobs", "--model", q(family), "--adapter", q(adapter / "init"), "--rows",
                     q(made("rows.jsonl")), "--json", "--grads", q(made("grads"))});
        QVERIFY2(got.exit_code == 0, got.errors.c_str());
        const double loss = read_json(adapter / "train.json")["loss_step1"].get<double>();
        QVERIFY(std::abs(got.lines().at(0)["loss"].get<double>() - loss) < 1e-5 * loss);
        const Tensors grads = read_tensors(made("grads"));
        size_t compared = 0;
        for (const auto& [name, values] : want.values) {
            if (!name.starts_with("grad.")) continue;
            const double off = relative(grads.values.at(name.substr(5)), values);
            QVERIFY2(off < 1e-4, qPrintable(QString("%1 off by %2").arg(name.c_str()).arg(off)));
            ++compared;
        }
        QCOMPARE(compared, grads.values.size());
    }

    void check_run(const fs::path& family, const fs::path& adapter) {
        const auto want = read_json(adapter / "train.json");
        QVERIFY(write_file(made("train.jsonl"),
                           rows_of(read_tensors(adapter / "train_rows.safetensors")))
                    .ok());
        const std::string recipe =
            "base: {path: " + family.string() +
            "}\nadapter: {init_from: " + (adapter / "init").string() +
            "}\ndata: [{name: rows, path: train.jsonl, converter: token_ids, use: train}]\n"
            "mix: {shuffle: false}\ntokens: {packing: false}\n"
            "batch: {micro_batch_size: 2, gradient_accumulation_steps: 2, epochs: 15}\n"
            "optimizer: {learning_rate: 5.0e-3, weight_decay: 0.01, max_grad_norm: 0.3}\n"
            "schedule: {kind: cosine, warmup_steps: 5}\n";
        QVERIFY(write_file(made("run.yaml"), recipe).ok());
        const auto run = run_one({"--batch", q(made("run.yaml")), "--project", q(made("project"))});
        QVERIFY2(run.exit_code == 0, run.errors.c_str());
        const auto steps = run.events("step");
        QCOMPARE(steps.size(), want["log"].size());
        for (size_t i = 0; i < steps.size(); ++i) {
            const double loss = want["log"][i]["loss"].get<double>();
            QVERIFY2(std::abs(steps[i]["loss"].get<double>() - loss) < 1e-5 * loss,
                     qPrintable(QString("step %1").arg(i + 1)));
            const double norm = want["log"][i]["grad_norm_before_clip"].get<double>();
            QVERIFY(std::abs(steps[i]["grad_norm"].get<double>() - norm) < 1e-4 * norm);
        }
        const fs::path trained =
            made("project") / run.events("finished").at(0)["adapter"].get<std::string>();
        const Tensors ours = read_tensors(trained / "adapter_model.safetensors");
        for (const auto& [name, values] :
             read_tensors(adapter / "final" / "adapter_model.safetensors").values) {
            QVERIFY2(relative(ours.values.at(name), values) < 1e-3, name.c_str());
        }
    }

    void check_merge(const fs::path& family, const fs::path& adapter) {
        fs::remove_all(made("merged"));
        const auto merged =
            run_one({"export", "--model", q(family), "--adapter", q(adapter / "final"), "--to",
                     "merged", "--out", q(made("merged"))});
        QVERIFY2(merged.exit_code == 0, merged.errors.c_str());
        const Tensors ours = read_tensors(made("merged") / "model.safetensors");
        for (const auto& [name, values] : read_tensors(adapter / "merged.safetensors").values) {
            QVERIFY2(largest(ours.values.at(name), values) < 1e-6, name.c_str());
        }
    }
};

DAYRUN_TEST(TestGoldensCli)
#include "test_goldens_cli.moc"
