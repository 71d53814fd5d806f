// The same engine on a device whose memory the host may not touch: losses, norms and adapters equal
// the CPU's, reruns are bit-equal, nothing strays, and all memory is given back.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>

#include "tests/engine/emulated_device.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::TorchEngine;

namespace {

constexpr int64_t kVocab = 67;

struct Trained {
    std::vector<double> losses, norms;
    TensorFile adapter;
    double eval_loss = NAN;
};

PackedBatch batch_of(int step) {
    const auto seed = static_cast<uint64_t>(step);
    return make_batch(
        {join_rows({random_row(11, kVocab, 10 * seed), random_row(5, kVocab, 10 * seed + 1)}),
         random_row(13 + step % 5, kVocab, 10 * seed + 2)},
        0);
}

bool train(TorchEngine& engine, const std::filesystem::path& folder, Trained& trained) {
    for (int step = 0; step < 12; ++step) {
        const PackedBatch first = batch_of(2 * step), second = batch_of(2 * step + 1);
        const auto divisor =
            static_cast<double>(first.target_token_count + second.target_token_count);
        if (!engine.accumulate(first, divisor).ok()) return false;
        if (!engine.accumulate(second, divisor).ok()) return false;
        const auto outcome = engine.apply_step(0.01);
        if (!outcome.ok() || outcome->skipped) return false;
        trained.losses.push_back(outcome->loss);
        trained.norms.push_back(outcome->grad_norm);
    }
    const auto evaluated = engine.evaluate({batch_of(99)}, 1);
    if (!evaluated.ok()) return false;
    trained.eval_loss = evaluated->total.loss_sum;
    if (!engine.save_adapter(folder).ok()) return false;
    trained.adapter = read_tensors(folder / "adapter_model.safetensors");
    return true;
}

}  // namespace

class TestAccelerator : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    std::filesystem::path path(const char* name) const {
        return m_folder.filePath(name).toStdString();
    }

    struct OnDevice {
        EmulatedDevice* device = nullptr;
        std::unique_ptr<TorchEngine> engine;
    };
    OnDevice open_on_device(const Recipe& recipe) const {
        OnDevice opened;
        const auto open =
            [&](const Recipe&) -> Result<std::unique_ptr<dayrun::engine::Accelerator>> {
            auto device = std::make_unique<EmulatedDevice>();
            opened.device = device.get();
            return std::unique_ptr<dayrun::engine::Accelerator>(std::move(device));
        };
        auto engine =
            std::make_unique<TorchEngine>(Device{.kind = DeviceKind::Cuda, .threads = 1}, open);
        const auto prepared = engine->prepare(recipe);
        if (!prepared.ok()) qWarning("%s", prepared.error().text().c_str());
        if (prepared.ok()) opened.engine = std::move(engine);
        return opened;
    }

  private Q_SLOTS:
    void initTestCase() {
        TinyModel plain, qwen;
        plain.window = 6;
        qwen.architecture = "Qwen3ForCausalLM";
        qwen.model_type = "qwen3";
        qwen.tied = true;
        TinyModel biased;
        biased.architecture = "Qwen2ForCausalLM";
        biased.model_type = "qwen2";
        QVERIFY(write_tiny_model(path("window"), plain, 5));
        QVERIFY(write_tiny_model(path("window16"), plain, 5, TensorDtype::BFloat16));
        QVERIFY(write_tiny_model(path("norms"), qwen, 6));
        QVERIFY(write_tiny_model(path("biases"), biased, 7));
    }

    void equals_the_cpu_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<int>("method");
        QTest::newRow("window") << "window" << static_cast<int>(AdapterMethod::Lora);
        QTest::newRow("bfloat16") << "window16" << static_cast<int>(AdapterMethod::RsLora);
        QTest::newRow("norms of heads, tied") << "norms" << static_cast<int>(AdapterMethod::Lora);
        QTest::newRow("biases") << "biases" << static_cast<int>(AdapterMethod::Lora);
        QTest::newRow("full") << "norms" << static_cast<int>(AdapterMethod::Full);
    }
    void equals_the_cpu() {
        QFETCH(QString, base);
        QFETCH(int, method);
        Recipe recipe = lora_recipe(path(qPrintable(base)));
        recipe.adapter.method = static_cast<AdapterMethod>(method);
        const bool is_full = recipe.adapter.method == AdapterMethod::Full;
        recipe.base.random_init = is_full;
        const auto cpu = open_engine(recipe);
        QVERIFY(cpu);
        Trained want;
        if (is_full) {
            QVERIFY(cpu->evaluate({batch_of(99)}, 1).ok());
            return check_full(recipe, *cpu);
        }
        QVERIFY(train(*cpu, path("cpu"), want));
        for (int rerun = 0; rerun < 2; ++rerun) {
            const OnDevice opened = open_on_device(recipe);
            QVERIFY(opened.engine);
            Trained got;
            QVERIFY(train(*opened.engine, path("device"), got));
            QCOMPARE(opened.device->strays(), int64_t{0});
            QVERIFY(opened.device->launches() > 1000);
            // The emulated kernels are the CPU's own code, so the walk is right to the last bit.
            QVERIFY(got.losses == want.losses);
            QVERIFY(got.norms == want.norms);
            QCOMPARE(got.eval_loss, want.eval_loss);
            QVERIFY(got.adapter.values == want.adapter.values);
        }
    }

    void memory_is_given_back_every_time() {
        EmulatedDevice shared;
        for (int run = 0; run < 50; ++run) {
            const dayrun::engine::UseAccelerator use(&shared);
            QCOMPARE(shared.arena().ledger().total_held(), int64_t{0});
            dayrun::engine::Buffer block(1000 + run, dayrun::engine::MemoryPart::Working);
            QVERIFY(shared.arena().ledger().total_held() > 0);
        }
    }

  private:
    // Embedding, norms and head are trained too.
    void check_full(const Recipe& recipe, TorchEngine& cpu) const {
        const OnDevice opened = open_on_device(recipe);
        QVERIFY(opened.engine);
        for (int step = 0; step < 5; ++step) {
            const PackedBatch batch = batch_of(step);
            const auto divisor = static_cast<double>(batch.target_token_count);
            for (TorchEngine* engine : {&cpu, opened.engine.get()}) {
                REQUIRE_OK(engine->accumulate(batch, divisor));
            }
            const auto want = cpu.apply_step(0.01);
            const auto got = opened.engine->apply_step(0.01);
            REQUIRE_OK(want);
            REQUIRE_OK(got);
            QCOMPARE(got->loss, want->loss);
            QCOMPARE(got->grad_norm, want->grad_norm);
        }
        QCOMPARE(opened.device->strays(), int64_t{0});
    }
};

DAYRUN_TEST(TestAccelerator)
#include "test_accelerator.moc"
