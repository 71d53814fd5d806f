// The memory estimate against what the engine really asks for, part by part, over shapes, number
// formats, plans, methods, optimizers and threads; and gradients bit-equal under every plan of
// every family.
#include <QTemporaryDir>
#include <QTest>
#include <cstring>

#include "core/plan/memory/largest_batch.h"
#include "core/plan/memory/layer_memory.h"
#include "tests/engine/emulated_device.h"
#include "tests/engine/engine_support.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::DecoderEngine;
using dayrun::engine::host_arena;
using dayrun::engine::Parameter;

namespace {

constexpr int64_t kMebibyte = 1 << 20;

PackedBatch batch_of(int64_t rows, int64_t length, int64_t vocab, double masked, uint64_t seed) {
    std::vector<PackedRow> made;
    for (int64_t row = 0; row < rows; ++row) {
        // Two documents a row, as when packing.
        const int64_t first = length / 3;
        made.push_back(
            join_rows({random_row(first, vocab, seed + 2 * static_cast<uint64_t>(row), masked),
                       random_row(length - first, vocab, seed + 2 * static_cast<uint64_t>(row) + 1,
                                  masked)}));
    }
    return make_batch(made, 0);
}

ActivationPlan plan_named(const QString& name, size_t layers) {
    if (name == "mixed") {
        ActivationPlan plan(layers, Keep::Everything);
        plan[0] = Keep::InputOnly;
        plan[1] = Keep::DropGateUp;
        return plan;
    }
    for (int keep = 0; keep < kKeepCount; ++keep) {
        if (name == to_string(static_cast<Keep>(keep)).data()) {
            return ActivationPlan(layers, static_cast<Keep>(keep));
        }
    }
    return {};
}

std::vector<float> gradients_of(DecoderEngine& engine) {
    std::vector<float> values;
    for (const Parameter& parameter : engine.parameters().all()) {
        values.insert(values.end(), parameter.gradient, parameter.gradient + parameter.count);
    }
    return values;
}

}  // namespace

class TestMemoryPlan : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    TinyModel m_wide{.vocab = 2000,
                     .hidden = 192,
                     .intermediate = 512,
                     .layers = 3,
                     .heads = 4,
                     .kv_heads = 2,
                     .head_dim = 48};
    TinyModel m_tied{.vocab = 5000,
                     .hidden = 128,
                     .intermediate = 256,
                     .layers = 4,
                     .heads = 8,
                     .kv_heads = 8,
                     .head_dim = 16,
                     .window = 100,
                     .tied = true};

    std::filesystem::path path(const QString& name) const {
        return m_folder.filePath(name).toStdString();
    }

    static void add_plans(int threads) {
        for (const char* const base : {"wide32", "wide16", "tied32", "tied16"}) {
            for (const char* const plan :
                 {"everything", "drop gate and up", "input only", "mixed"}) {
                QTest::addRow("%s, %s, %d threads", base, plan, threads)
                    << base << plan << "" << 2 << 300 << threads;
            }
        }
    }
    static void add_changes(int threads) {
        for (const char* const change :
             {"rslora", "full", "adamw_8bit", "paged", "one module", "upper layers", "no eval",
              "dropout", "dora", "narrow adapter", "narrow dora", "nf4", "wide eval",
              "all trained"}) {
            QTest::addRow("wide32, %s, %d threads", change, threads)
                << "wide32"
                << "everything" << change << 1 << 700 << threads;
            QTest::addRow("wide16, mixed, %s, %d threads", change, threads)
                << "wide16"
                << "mixed" << change << 3 << 128 << threads;
        }
    }

  private Q_SLOTS:
    void initTestCase() {
        m_tied.architecture = "MistralForCausalLM";
        m_tied.model_type = "mistral";
        for (const TensorDtype dtype : {TensorDtype::Float32, TensorDtype::BFloat16}) {
            const char* const suffix = dtype == TensorDtype::Float32 ? "32" : "16";
            QVERIFY(write_tiny_model(path(QString("wide") + suffix), m_wide, 5, dtype));
            QVERIFY(write_tiny_model(path(QString("tied") + suffix), m_tied, 6, dtype));
        }
    }

    void estimates_are_what_is_counted_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<QString>("plan");
        QTest::addColumn<QString>("change");
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("length");
        QTest::addColumn<int>("threads");
        for (const int threads : {1, 4}) add_plans(threads);
        for (const int threads : {1, 2}) add_changes(threads);
    }
    void estimates_are_what_is_counted() {
        QFETCH(QString, base);
        QFETCH(QString, plan);
        QFETCH(QString, change);
        QFETCH(int, rows);
        QFETCH(int, length);
        QFETCH(int, threads);
        const TinyModel& model = base.startsWith("wide") ? m_wide : m_tied;
        Recipe recipe = lora_recipe(path(base), 16);
        if (change == "rslora") recipe.adapter.method = AdapterMethod::RsLora;
        if (change.endsWith("dora")) recipe.adapter.method = AdapterMethod::Dora;
        if (change == "dropout") recipe.adapter.lora_dropout = 0.1;
        if (change.startsWith("narrow")) recipe.adapter.dtype = DtypeChoice::BFloat16;
        if (change == "nf4") recipe.quantization.base = BaseQuantization::Nf4;
        if (change == "full") recipe.adapter.method = AdapterMethod::Full;
        if (change == "adamw_8bit") recipe.optimizer.name = OptimizerName::AdamW8bit;
        if (change == "paged") recipe.optimizer.name = OptimizerName::PagedAdamW32bit;
        if (change == "one module")
            recipe.adapter.target_modules = std::vector<std::string>{"v_proj"};
        if (change == "upper layers") {
            recipe.adapter.target_modules = std::string(".*layers\\.[2-9]\\..*(o_proj|up_proj)");
        }
        const double masked = change == "all trained" ? 0.0 : 0.3;
        const PackedBatch train = batch_of(rows, length, model.vocab, masked, 1);
        PackedBatch eval = batch_of(1, length, model.vocab, masked, 7);
        if (change == "no eval") eval = {};
        if (change == "wide eval") eval = batch_of(2 * rows, length, model.vocab, masked, 9);

        MemoryInputs inputs{.train = extent_of(train), .eval = extent_of(eval)};
        inputs.plan = plan_named(plan, static_cast<size_t>(model.layers));
        inputs.threads = threads;
        const auto config = read_model_config(path(base));
        REQUIRE_OK(config);
        const auto estimate = estimate_memory(*config, recipe, inputs);
        REQUIRE_OK(estimate);

        const int64_t held_before = host_arena().ledger().total_held();
        {
            const auto engine = open_engine(recipe, threads);
            QVERIFY(engine);
            engine->set_activation_plan(estimate->plan);
            const auto figures = engine->rehearse(train, eval);
            REQUIRE_OK(figures);
            compare(*estimate, *figures);
            // Training and validating on smaller batches asks for nothing more.
            const PackedBatch smaller = batch_of(1, length / 2, model.vocab, 0.3, 20);
            REQUIRE_OK(engine->accumulate(smaller, 10));
            REQUIRE_OK(engine->apply_step(0.01));
            REQUIRE_OK(engine->accumulate(train, 10));
            REQUIRE_OK(engine->apply_step(0.01));
            for (const MemoryPart part : {MemoryPart::Activations, MemoryPart::Working,
                                          MemoryPart::Logits, MemoryPart::Optimizer}) {
                QCOMPARE(host_arena().ledger().peak(part),
                         figures->part_bytes[static_cast<size_t>(part)]);
            }
        }
        // Everything goes back with the engine (promises.md row 21).
        QCOMPARE(host_arena().ledger().total_held(), held_before);
    }

    void every_plan_gives_the_same_gradients_data() {
        QTest::addColumn<QString>("family");
        for (const char* const family : {"llama", "mistral", "qwen1", "qwen2", "qwen3"}) {
            QTest::newRow(family) << family;
        }
    }
    void every_plan_gives_the_same_gradients() {
        QFETCH(QString, family);
        DAYRUN_REQUIRE_SHARED(models, "goldens/models");
        const std::filesystem::path base = models / family.toStdString();
        const auto config = read_model_config(base);
        REQUIRE_OK(config);
        Recipe recipe = lora_recipe(base, 4);
        recipe.adapter.target_modules = std::string("all-linear");
        recipe.adapter.lora_dropout = 0.1;  // the masks are drawn again as they were
        recipe.adapter.neftune_alpha = 5;
        const PackedBatch batch = batch_of(2, 21, config->vocab_size, 0.3, 3);
        std::vector<float> want;
        for (const char* const plan :
             {"everything", "drop gate and up", "input only", "mixed", "offload"}) {
            const auto engine = open_engine(recipe);
            QVERIFY(engine);
            engine->set_activation_plan(
                plan_named(plan, static_cast<size_t>(config->num_hidden_layers)));
            for (Parameter& parameter : engine->parameters().all()) {
                // B of zeros would hide half of the gradients.
                for (int64_t i = 0; i < parameter.count; ++i) {
                    parameter.value[i] += static_cast<float>(i % 7) * 0.01F;
                }
                parameter.refresh_copy();
            }
            REQUIRE_OK(engine->accumulate(batch, 10));
            const std::vector<float> got = gradients_of(*engine);
            if (want.empty()) want = got;
            QVERIFY2(got.size() == want.size() &&
                         std::memcmp(got.data(), want.data(), 4 * got.size()) == 0,
                     plan);
            QVERIFY(std::any_of(got.begin(), got.end(), [](float value) { return value != 0; }));
        }
    }

    // On a device the layer's input lies in the host's memory until its backward.
    void offloading_gives_the_cpus_bits() {
        const PackedBatch batch = batch_of(2, 60, m_wide.vocab, 0.3, 3);
        Recipe recipe = lora_recipe(path("wide32"), 8);
        const auto cpu = open_engine(recipe);
        QVERIFY(cpu);
        EmulatedDevice* device = nullptr;
        DecoderEngine emulated(
            Device{.kind = DeviceKind::Cuda, .threads = 1},
            [&](const Recipe&) -> Result<std::unique_ptr<dayrun::engine::Accelerator>> {
                auto made = std::make_unique<EmulatedDevice>();
                device = made.get();
                return std::unique_ptr<dayrun::engine::Accelerator>(std::move(made));
            });
        REQUIRE_OK(emulated.prepare(recipe));
        emulated.set_activation_plan({Keep::Offload, Keep::Everything, Keep::Offload});
        const int64_t before = host_arena().ledger().held(MemoryPart::Activations);
        for (int step = 0; step < 3; ++step) {
            REQUIRE_OK(cpu->accumulate(batch, 10));
            REQUIRE_OK(emulated.accumulate(batch, 10));
            if (step == 0) {
                // Two inputs of 120 tokens in the host's memory, beside what the CPU keeps.
                const int64_t inputs = 2 * 120 * m_wide.hidden * 4;
                const int64_t kept = layer_bytes() * m_wide.layers;
                QCOMPARE(host_arena().ledger().held(MemoryPart::Activations) - before,
                         inputs + kept);
            }
            const auto want = cpu->apply_step(0.01), got = emulated.apply_step(0.01);
            REQUIRE_OK(got);
            QCOMPARE(got->loss, want->loss);
            QCOMPARE(got->grad_norm, want->grad_norm);
        }
        QCOMPARE(device->strays(), int64_t{0});
    }

    void a_rehearsal_changes_no_result() {
        for (const OptimizerName optimizer :
             {OptimizerName::AdamW, OptimizerName::AdamW8bit, OptimizerName::PagedAdamW32bit}) {
            Recipe recipe = lora_recipe(path("wide16"), 8);
            recipe.optimizer.name = optimizer;
            recipe.optimizer.weight_decay = 0.1;
            recipe.adapter.lora_dropout = 0.1;
            recipe.adapter.neftune_alpha = 5;
            std::vector<double> losses[2];
            for (int rehearsed = 0; rehearsed < 2; ++rehearsed) {
                const auto engine = open_engine(recipe);
                QVERIFY(engine);
                if (rehearsed == 1) {
                    const PackedBatch batch = batch_of(2, 60, m_wide.vocab, 0.3, 40);
                    const auto figures = engine->rehearse(batch, batch);
                    REQUIRE_OK(figures);
                    QVERIFY(figures->train_s > 0 && figures->eval_s > 0);
                }
                for (uint64_t step = 0; step < 3; ++step) {
                    REQUIRE_OK(engine->accumulate(batch_of(1, 40, m_wide.vocab, 0.3, step), 10));
                    losses[rehearsed].push_back(engine->apply_step(0.01)->loss);
                }
            }
            QVERIFY(losses[0] == losses[1]);
        }
    }

    void a_budget_stops_with_a_sentence() {
        const auto engine = std::make_unique<DecoderEngine>(Device{.threads = 1});
        const auto nothing = engine->limit_memory(1000);
        QVERIFY(!nothing.ok());
        QCOMPARE(nothing.error().code, ErrorCode::OutOfHostMemory);
        QVERIFY(nothing.error().message.find("budget") != std::string::npos);
        const int64_t held = host_arena().ledger().total_held();
        REQUIRE_OK(engine->limit_memory(engine->overhead_bytes() + held + 12 * kMebibyte));
        REQUIRE_OK(engine->prepare(lora_recipe(path("wide32"), 4)));
        const PackedBatch large = batch_of(4, 1000, m_wide.vocab, 0.3, 1);
        const auto refused = engine->rehearse(large, {});
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, ErrorCode::OutOfHostMemory);
        QVERIFY(refused.error().message.find("budget leaves") != std::string::npos);
    }

    // Stopping, failing and finishing end alike: the arena is as it was (promises.md row 21).
    void fifty_engines_leave_nothing_behind() {
        const int64_t before = host_arena().ledger().total_held();
        const PackedBatch batch = batch_of(1, 30, m_wide.vocab, 0.3, 2);
        for (int i = 0; i < 50; ++i) {
            const auto engine = open_engine(lora_recipe(path("wide32"), 4));
            QVERIFY(engine);
            if (i % 2 == 0) REQUIRE_OK(engine->accumulate(batch, 10));
        }
        QCOMPARE(host_arena().ledger().total_held(), before);
    }

  private:
    // What the CPU keeps of one layer of the wide model for 120 tokens.
    int64_t layer_bytes() const {
        LayerShape shape{.hidden = m_wide.hidden,
                         .q = 192,
                         .kv = 96,
                         .heads = 4,
                         .kv_heads = 2,
                         .intermediate = 512,
                         .qkv_rank = 24,
                         .o_rank = 8,
                         .gate_up_rank = 16,
                         .down_rank = 8};
        return layer_choice(shape, 120, 4, 0).bytes[0];
    }

    static void compare(const MemoryEstimate& estimate, const RehearsalFigures& figures) {
        for (const PlannedPart& part : estimate.parts) {
            if (part.part == MemoryPart::Libtorch || part.part == MemoryPart::Overhead) continue;
            const int64_t counted = figures.part_bytes[static_cast<size_t>(part.part)];
            if (std::max(counted, part.bytes) < kMebibyte) continue;
            const double difference = std::abs(static_cast<double>(part.bytes - counted));
            QVERIFY2(difference <= 0.03 * static_cast<double>(counted),
                     qPrintable(QString("%1: estimated %2, counted %3 bytes")
                                    .arg(part.name.c_str())
                                    .arg(part.bytes)
                                    .arg(counted)));
        }
    }
};

DAYRUN_TEST(TestMemoryPlan)
#include "test_memory_plan.moc"
