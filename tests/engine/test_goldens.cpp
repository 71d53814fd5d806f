// Parity with transformers and PEFT on tiny random models of every family, float32: logits,
// log-probabilities, LoRA gradients, a 30-step run and a greedy continuation, all through the code
// that trains. A small part of the figures lies in tests/goldens, so that a clone proves it by
// itself; rows of ../shared are skipped where that is not.
#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/engine/engine_support.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::vector<std::string> kOwnFamilies = {"llama", "qwen2", "qwen3"};
const std::vector<std::string> kSharedFamilies = {"llama", "llama3-rope", "mistral",
                                                  "qwen1", "qwen2",       "qwen3"};
// Of Qwen 1 there is no run.
const std::vector<std::string> kSharedRuns = {"llama", "llama3-rope", "mistral", "qwen2", "qwen3"};

nlohmann::json read_json(const std::filesystem::path& path) {
    std::ifstream file(path);
    return nlohmann::json::parse(file, nullptr, false);
}

Recipe golden_recipe(const std::filesystem::path& golden, const std::string& adapter) {
    Recipe recipe = lora_recipe(golden);
    if (adapter.empty()) {
        recipe.adapter.target_modules = std::vector<std::string>{};
    } else {
        recipe.adapter.init_from = (golden / adapter / "init").string();
    }
    recipe.optimizer.weight_decay = 0.01;
    recipe.optimizer.max_grad_norm = 0.3;
    return recipe;
}

}  // namespace

class TestGoldens : public QObject {
    Q_OBJECT

    static void add_columns() {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<QString>("adapter");
    }
    // What tests/goldens holds must be there; an empty folder is one that ../shared lacks.
    static void add_rows(const std::string& adapter, const std::vector<std::string>& own,
                         const std::vector<std::string>& shared) {
        const auto add = [&](const char* root, const std::string& family,
                             const std::filesystem::path& folder) {
            const QString name = QString("%1 %2 %3").arg(root, family.c_str(), adapter.c_str());
            QTest::newRow(qPrintable(name.trimmed()))
                << QString::fromStdString(folder.string()) << QString::fromStdString(adapter);
        };
        for (const std::string& family : own) {
            add("tests/goldens", family, DAYRUN_SOURCE_DIR "/tests/goldens/models/" + family);
        }
        for (const std::string& family : shared) {
            add("../shared", family, shared_path("goldens/models/" + family).value_or(""));
        }
    }
    static void add_base_rows() {
        add_columns();
        add_rows("", kOwnFamilies, kSharedFamilies);
    }
    static void add_adapter_rows(const std::vector<std::string>& shared) {
        add_columns();
        add_rows("lora", kOwnFamilies, shared);
        add_rows("rslora", {"llama"}, {"llama"});
        add_rows("dora", {"llama"}, {"llama"});
    }
    static std::optional<std::filesystem::path> golden() {
        QFETCH(QString, folder);
        if (folder.isEmpty()) return std::nullopt;
        return folder.toStdString();
    }

  private Q_SLOTS:
    void forward_data() { add_base_rows(); }
    void forward() {
        const auto folder = golden();
        if (!folder) QSKIP("reference data ../shared/goldens/models is not here");
        const TensorFile want = read_tensors(*folder / "forward.safetensors");
        auto engine = open_engine(golden_recipe(*folder, ""));
        QVERIFY(engine);
        QTemporaryDir out;
        const std::filesystem::path logits = out.filePath("logits.safetensors").toStdString();
        const auto result = engine->logprobs(read_rows(want), logits, {});
        REQUIRE_OK(result);
        const TensorFile got = read_tensors(logits);
        const double off = largest_difference(got.values.at("logits"), want.values.at("logits"));
        QVERIFY2(off < 1e-4, qPrintable(QString("logits off by %1").arg(off)));
        std::vector<float> logprobs;
        for (const auto& row : result->logprobs) {
            logprobs.insert(logprobs.end(), row.begin(), row.end());
        }
        const double log_off = largest_difference(logprobs, want.values.at("token_logprobs"));
        QVERIFY2(log_off < 1e-4, qPrintable(QString("logprobs off by %1").arg(log_off)));
        const double loss = read_json(*folder / "forward.json")["loss"].get<double>();
        QVERIFY2(std::abs(result->loss - loss) < 1e-5, qPrintable(QString::number(result->loss)));
    }

    void first_gradients_data() { add_adapter_rows(kSharedFamilies); }
    void first_gradients() {
        const auto folder = golden();
        if (!folder) QSKIP("reference data ../shared/goldens/models is not here");
        QFETCH(QString, adapter);
        check_gradients(*folder, adapter.toStdString());
    }

    void thirty_steps_data() { add_adapter_rows(kSharedRuns); }
    void thirty_steps() {
        const auto folder = golden();
        if (!folder) QSKIP("reference data ../shared/goldens/models is not here");
        QFETCH(QString, adapter);
        check_run(*folder, adapter.toStdString());
    }

    void greedy_continuation_data() { add_base_rows(); }
    void greedy_continuation() {
        const auto folder = golden();
        if (!folder) QSKIP("reference data ../shared/goldens/models is not here");
        const auto want = read_json(*folder / "generate.json");
        auto engine = open_engine(golden_recipe(*folder, ""));
        QVERIFY(engine);
        const auto greedy = want["greedy"].get<std::vector<int32_t>>();
        GenerateOptions options;
        options.max_new_tokens = static_cast<int64_t>(greedy.size());
        const auto got = engine->generate(want["prompt"].get<std::vector<int32_t>>(), options);
        REQUIRE_OK(got);
        QVERIFY(*got == greedy);
    }

    // A real pretrained model, against a float64 forward of an independent implementation.
    void stories_log_probabilities() {
        DAYRUN_REQUIRE_SHARED(folder, "models/stories260K");
        const auto want = read_json(folder / "reference.json");
        auto engine = open_engine(golden_recipe(folder / "hf-f32", ""));
        QVERIFY(engine);
        for (const auto& example : want["cases"]) {
            const auto ids = example["ids"].get<std::vector<int32_t>>();
            const auto result = engine->logprobs({make_row(ids, ids)}, {}, {});
            REQUIRE_OK(result);
            const auto nll = example["nll"].get<std::vector<float>>();
            for (size_t i = 0; i < nll.size(); ++i) {
                QVERIFY(std::abs(-result->logprobs[0][i] - nll[i]) < 1e-4);
            }
        }
    }

  private:
    static void check_gradients(const std::filesystem::path& folder, const std::string& adapter) {
        const TensorFile want = read_tensors(folder / adapter / "step1.safetensors");
        auto engine = open_engine(golden_recipe(folder, adapter));
        QVERIFY(engine);
        QTemporaryDir out;
        const std::filesystem::path file = out.filePath("grads.safetensors").toStdString();
        const auto result = engine->logprobs(read_rows(want), {}, file);
        REQUIRE_OK(result);
        const double loss = read_json(folder / adapter / "train.json")["loss_step1"].get<double>();
        QVERIFY2(std::abs(result->loss - loss) < 1e-5 * loss,
                 qPrintable(QString::number(result->loss, 'g', 9)));
        const TensorFile got = read_tensors(file);
        size_t compared = 0;
        for (const auto& [name, values] : want.values) {
            if (!name.starts_with("grad.")) continue;
            const double off = relative_difference(got.values.at(name.substr(5)), values);
            QVERIFY2(off < 1e-4, qPrintable(QString("%1 off by %2").arg(name.c_str()).arg(off)));
            ++compared;
        }
        QCOMPARE(compared, got.values.size());
    }

    static void check_run(const std::filesystem::path& folder, const std::string& adapter) {
        const auto want = read_json(folder / adapter / "train.json");
        const auto rows = read_rows(read_tensors(folder / adapter / "train_rows.safetensors"));
        QCOMPARE(want["log"].size(), size_t{30});
        auto engine = open_engine(golden_recipe(folder, adapter));
        QVERIFY(engine);
        size_t next = 0;
        for (const auto& step : want["log"]) {
            std::vector<PackedBatch> batches;
            int64_t targets = 0;
            for (int micro = 0; micro < 2; ++micro, next += 2) {
                batches.push_back(make_batch({rows[next % 8], rows[(next + 1) % 8]}, 0));
                targets += batches.back().target_token_count;
            }
            for (const PackedBatch& batch : batches) {
                REQUIRE_OK(engine->accumulate(batch, static_cast<double>(targets)));
            }
            const auto outcome = engine->apply_step(step["lr"].get<double>());
            REQUIRE_OK(outcome);
            const double loss = step["loss"].get<double>();
            const double norm = step["grad_norm_before_clip"].get<double>();
            QVERIFY2(std::abs(outcome->loss - loss) < 1e-5 * loss,
                     qPrintable(QString("step %1: %2")
                                    .arg(step["step"].get<int>())
                                    .arg(outcome->loss, 0, 'g', 9)));
            QVERIFY2(std::abs(outcome->grad_norm - norm) < 1e-4 * norm,
                     qPrintable(QString("step %1: %2")
                                    .arg(step["step"].get<int>())
                                    .arg(outcome->grad_norm, 0, 'g', 9)));
        }
        QTemporaryDir out;
        const std::filesystem::path trained = out.filePath("trained").toStdString();
        REQUIRE_OK(engine->save_adapter(trained));
        const TensorFile got = read_tensors(trained / "adapter_model.safetensors");
        const TensorFile last = read_tensors(folder / adapter / "final/adapter_model.safetensors");
        QCOMPARE(got.values.size(), last.values.size());
        for (const auto& [name, values] : last.values) {
            const double off = relative_difference(got.values.at(name), values);
            QVERIFY2(off < 1e-3, qPrintable(QString("%1 off by %2").arg(name.c_str()).arg(off)));
        }
    }
};

DAYRUN_TEST(TestGoldens)
#include "test_goldens.moc"
