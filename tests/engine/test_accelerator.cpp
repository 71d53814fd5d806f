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
using dayrun::engine::DecoderEngine;

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

bool train(DecoderEngine& engine, const std::filesystem::path& folder, Trained& trained) {
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

    static bool is_nf4_row() { return QByteArray(QTest::currentDataTag()).contains("nf4"); }

    struct OnDevice {
        EmulatedDevice* device = nullptr;
        std::unique_ptr<DecoderEngine> engine;
    };
    static constexpr int64_t kPlenty = int64_t{64} << 20;
    OnDevice open_on_device(const Recipe& recipe, int64_t bytes = kPlenty,
                            EmulatedDevice::Kernels kernels = EmulatedDevice::Kernels::Cpu) const {
        OnDevice opened;
        const auto open =
            [&](const Recipe&) -> Result<std::unique_ptr<dayrun::engine::Accelerator>> {
            auto device = std::make_unique<EmulatedDevice>(bytes, kernels);
            opened.device = device.get();
            return std::unique_ptr<dayrun::engine::Accelerator>(std::move(device));
        };
        auto engine =
            std::make_unique<DecoderEngine>(Device{.kind = DeviceKind::Cuda, .threads = 1}, open);
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
        QTest::newRow("dora") << "biases" << static_cast<int>(AdapterMethod::Dora);
        QTest::newRow("paged states") << "window" << static_cast<int>(AdapterMethod::Lora);
        QTest::newRow("nf4") << "window" << static_cast<int>(AdapterMethod::Lora);
        QTest::newRow("bfloat16 dora nf4") << "window16" << static_cast<int>(AdapterMethod::Dora);
        QTest::newRow("full") << "norms" << static_cast<int>(AdapterMethod::Full);
    }
    void equals_the_cpu() {
        QFETCH(QString, base);
        QFETCH(int, method);
        Recipe recipe = lora_recipe(path(qPrintable(base)));
        recipe.adapter.method = static_cast<AdapterMethod>(method);
        if (is_nf4_row()) recipe.quantization.base = dayrun::core::BaseQuantization::Nf4;
        if (QByteArray(QTest::currentDataTag()) == "paged states") {
            recipe.optimizer.name = OptimizerName::PagedAdamW32bit;
        }
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

    // The bodies that a GPU runs round along other orders than the CPU's vectors.
    void bodies_equal_the_cpu_closely_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<double>("tolerance");
        QTest::newRow("window") << "window" << 2e-5;
        QTest::newRow("bfloat16") << "window16" << 2e-2;
        QTest::newRow("norms of heads, tied") << "norms" << 2e-5;
        QTest::newRow("biases") << "biases" << 2e-5;
        QTest::newRow("dora nf4") << "biases" << 2e-5;
    }
    void bodies_equal_the_cpu_closely() {
        QFETCH(QString, base);
        QFETCH(double, tolerance);
        Recipe recipe = lora_recipe(path(qPrintable(base)));
        if (is_nf4_row()) {
            recipe.adapter.method = AdapterMethod::Dora;
            recipe.quantization.base = dayrun::core::BaseQuantization::Nf4;
        }
        const auto cpu = open_engine(recipe);
        QVERIFY(cpu);
        Trained want, got[2];
        QVERIFY(train(*cpu, path("cpu"), want));
        for (Trained& one : got) {
            const OnDevice opened =
                open_on_device(recipe, kPlenty, EmulatedDevice::Kernels::Bodies);
            QVERIFY(opened.engine);
            QVERIFY(train(*opened.engine, path("device"), one));
            QCOMPARE(opened.device->strays(), int64_t{0});
        }
        QVERIFY(got[0].losses == got[1].losses && got[0].norms == got[1].norms);
        QVERIFY(got[0].adapter.values == got[1].adapter.values);
        for (size_t i = 0; i < want.losses.size(); ++i) {
            QVERIFY(std::abs(got[0].losses[i] - want.losses[i]) < tolerance * want.losses[i]);
        }
    }

    void steps_are_told_one_behind() {
        const Recipe recipe = lora_recipe(path("window"));
        const OnDevice opened = open_on_device(recipe);
        const auto cpu = open_engine(recipe);
        QVERIFY(opened.engine && cpu);
        QCOMPARE(opened.engine->steps_behind(), int64_t{1});
        QCOMPARE(cpu->steps_behind(), int64_t{0});
        std::vector<double> late, at_once;
        for (int step = 0; step < 6; ++step) {
            const PackedBatch batch = batch_of(step);
            // The third loss is divided by zero: the step is skipped, and the host hears of it
            // when the fourth one is queued already.
            const double divisor = step == 2 ? 0.0 : static_cast<double>(batch.target_token_count);
            REQUIRE_OK(opened.engine->accumulate(batch, divisor));
            REQUIRE_OK(opened.engine->start_step(0.01));
            if (step > 0) late.push_back(opened.engine->finish_step()->loss);
            REQUIRE_OK(cpu->accumulate(batch, divisor));
            at_once.push_back(cpu->apply_step(0.01)->loss);
        }
        late.push_back(opened.engine->finish_step()->loss);
        for (size_t i = 0; i < late.size(); ++i) {
            QVERIFY(late[i] == at_once[i] || (i == 2 && !std::isfinite(late[i])));
        }
    }

    void too_little_memory_is_told() {
        const Recipe recipe = lora_recipe(path("window"));
        const PackedBatch batch = make_batch({random_row(480, kVocab, 3)}, 0);
        const auto divisor = static_cast<double>(batch.target_token_count);
        const auto plenty = open_on_device(recipe);
        QVERIFY(plenty.engine);
        REQUIRE_OK(plenty.engine->accumulate(batch, divisor));
        const int64_t needed = plenty.device->arena().ledger().total_peak();

        const auto tight = open_on_device(recipe, needed - 40'000);
        QVERIFY(tight.engine);
        const auto done = tight.engine->accumulate(batch, divisor);
        QVERIFY(!done.ok());
        QCOMPARE(done.error().code, ErrorCode::OutOfGpuMemory);
        const auto hopeless = open_on_device(recipe, 1000);
        QVERIFY(!hopeless.engine);

        // Leaner plans fit, and give the same bits.
        bool fits = false;
        while (!fits && tight.engine->make_leaner()) {
            tight.engine->drop_gradients();
            fits = tight.engine->accumulate(batch, divisor).ok();
        }
        QVERIFY(fits);
        const auto lean = tight.engine->apply_step(0.01);
        const auto full = plenty.engine->apply_step(0.01);
        REQUIRE_OK(lean);
        REQUIRE_OK(full);
        QCOMPARE(lean->loss, full->loss);
        QCOMPARE(lean->grad_norm, full->grad_norm);
        // The leanest plan is the end.
        int further = 0;
        while (tight.engine->make_leaner()) ++further;
        QVERIFY(further <= 3);
        QVERIFY(tight.engine->decoder().plan() != plenty.engine->decoder().plan());
    }

    void memory_is_given_back_every_time() {
        // The engine owns its accelerator; this one only looks at a device that outlives it.
        EmulatedDevice shared;
        for (int run = 0; run < 50; ++run) {
            {
                const dayrun::engine::UseAccelerator use(&shared);
                auto recipe = lora_recipe(path("window"));
                auto base = dayrun::engine::BaseModel::open(recipe);
                REQUIRE_OK(base);
                auto built = dayrun::engine::build_model(recipe, *base);
                REQUIRE_OK(built);
                auto decoder = dayrun::engine::Decoder::make(std::move(built->weights));
                REQUIRE_OK(decoder);
                const PackedBatch batch = batch_of(run);
                (*decoder)->forward_for_training(dayrun::engine::stage_batch(batch));
                QVERIFY(shared.arena().ledger().total_held() > 0);
                shared.forget_stages();
            }
            QCOMPARE(shared.arena().ledger().total_held(), int64_t{0});
        }
    }

  private:
    // Embedding, norms and head are trained too.
    void check_full(const Recipe& recipe, DecoderEngine& cpu) const {
        const OnDevice opened = open_on_device(recipe);
        QVERIFY(opened.engine);
        for (int step = 0; step < 5; ++step) {
            const PackedBatch batch = batch_of(step);
            const auto divisor = static_cast<double>(batch.target_token_count);
            for (DecoderEngine* engine : {&cpu, opened.engine.get()}) {
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
