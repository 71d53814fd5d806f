// What every method and every mix of them promises: the same bits in a rerun, under every
// activation plan and after a pause; evaluation and generation without noise; a saved adapter that
// computes what was trained; NF4 training equal to training over the weights that NF4 gives back.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <set>

#include "core/base/rng.h"
#include "core/export/merge.h"
#include "core/model/adapter_config.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::DecoderEngine;
using dayrun::engine::Keep;

class TestMethods : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    TinyModel m_model;

    std::filesystem::path path(const char* name) const {
        return m_folder.filePath(name).toStdString();
    }

    static void add_methods() {
        QTest::addColumn<QString>("method");
        for (const char* const method :
             {"lora dropout", "lora noise", "dora", "dora dropout", "nf4 lora",
              "nf4 dora dropout noise", "bf16 dora dropout noise", "bf16 nf4 lora",
              "bf16 nf4 dora dropout", "bf16 nf4 lora float32 products",
              "nf4 lora bfloat16 products", "bfloat16 adapter lora",
              "bf16 bfloat16 adapter dora"}) {
            QTest::newRow(method) << method;
        }
    }
    Recipe recipe_of(const QString& method) const {
        Recipe recipe = lora_recipe(path(method.startsWith("bf16") ? "base16" : "base"));
        if (method.contains("dora")) recipe.adapter.method = AdapterMethod::Dora;
        if (method.contains("dropout")) recipe.adapter.lora_dropout = 0.2;
        if (method.contains("noise")) recipe.adapter.neftune_alpha = 5;
        if (method.contains("nf4")) recipe.quantization.base = BaseQuantization::Nf4;
        if (method.contains("float32 products")) {
            recipe.quantization.compute_dtype = DtypeChoice::Float32;
        }
        if (method.contains("bfloat16 products")) {
            recipe.quantization.compute_dtype = DtypeChoice::BFloat16;
        }
        if (method.contains("bfloat16 adapter")) recipe.adapter.dtype = DtypeChoice::BFloat16;
        return recipe;
    }
    Recipe recipe() const {
        QFETCH(QString, method);
        return recipe_of(method);
    }

  private Q_SLOTS:
    void initTestCase() {
        m_model.hidden = 32;
        m_model.head_dim = 8;
        QVERIFY(write_tiny_model(path("base"), m_model, 5));
        QVERIFY(write_tiny_model(path("base16"), m_model, 5, TensorDtype::BFloat16));
    }

    void plans_are_bit_equal_data() { add_methods(); }
    void plans_are_bit_equal() {
        std::vector<StepFigures> runs;
        for (const Keep keep : {Keep::Everything, Keep::DropGateUp, Keep::InputOnly}) {
            auto engine = open_engine(recipe());
            QVERIFY(engine);
            engine->decoder().set_plan({keep, keep});
            QVERIFY(train(*engine, 0, 3, m_model.vocab, runs.emplace_back()));
        }
        QVERIFY(runs[1] == runs[0] && runs[2] == runs[0]);
        QVERIFY(runs[0].losses[2] != runs[0].losses[0]);
    }

    void a_pause_changes_no_bit_data() { add_methods(); }
    void a_pause_changes_no_bit() {
        StepFigures straight, paused;
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        QVERIFY(train(*engine, 0, 5, m_model.vocab, straight));
        engine = open_engine(recipe());
        QVERIFY(train(*engine, 0, 2, m_model.vocab, paused));
        QTemporaryDir state;
        REQUIRE_OK(engine->save_state(state.path().toStdString()));
        engine = open_engine(recipe());
        REQUIRE_OK(engine->load_state(state.path().toStdString()));
        QVERIFY(train(*engine, 2, 5, m_model.vocab, paused));
        QVERIFY(paused == straight);
    }

    void a_saved_adapter_computes_the_same_data() { add_methods(); }
    void a_saved_adapter_computes_the_same() {
        Recipe trained = recipe();
        auto engine = open_engine(trained);
        QVERIFY(engine);
        StepFigures run;
        QVERIFY(train(*engine, 0, 3, m_model.vocab, run));
        const double before = eval_loss(*engine, m_model.vocab);
        QTemporaryDir saved;
        const std::string folder = saved.filePath("adapter").toStdString();
        REQUIRE_OK(engine->save_adapter(folder));
        const auto config = read_adapter_config(folder);
        REQUIRE_OK(config);
        QCOMPARE(config->use_dora, trained.adapter.method == AdapterMethod::Dora);
        QCOMPARE(config->dropout, trained.adapter.lora_dropout);
        // The adapter says itself what it is.
        trained.adapter.init_from = folder;
        trained.adapter.method = AdapterMethod::Lora;
        trained.adapter.dtype = DtypeChoice::Float32;
        engine = open_engine(trained);
        QVERIFY(engine);
        QCOMPARE(eval_loss(*engine, m_model.vocab), before);
    }

    // A fresh adapter changes nothing, with any method: DoRA starts from the weights' own lengths.
    void a_fresh_adapter_changes_nothing_data() { add_methods(); }
    void a_fresh_adapter_changes_nothing() {
        QFETCH(QString, method);
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        Recipe alone = recipe();
        alone.adapter = {};
        alone.adapter.target_modules = std::vector<std::string>{};
        auto base = open_engine(alone);
        QVERIFY(base);
        if (method.contains("bfloat16 adapter dora")) {
            // Its magnitudes are lengths rounded to bfloat16.
            QVERIFY(std::abs(eval_loss(*engine, m_model.vocab) / eval_loss(*base, m_model.vocab) -
                             1) < 1e-2);
            return;
        }
        QCOMPARE(eval_loss(*engine, m_model.vocab), eval_loss(*base, m_model.vocab));
    }

    void noise_is_for_training_only() {
        auto quiet = open_engine(recipe_of("lora"));
        auto noisy = open_engine(recipe_of("lora dropout noise"));
        QVERIFY(quiet && noisy);
        for (DecoderEngine* const engine : {quiet.get(), noisy.get()}) {
            // B must not be zero for dropout to show.
            for (auto& parameter : engine->parameters().all()) {
                for (int64_t i = 0; i < parameter.count; ++i) {
                    parameter.value[i] = 0.01F * static_cast<float>(i % 7 - 3);
                }
            }
            engine->decoder().parameters_changed();
        }
        QCOMPARE(eval_loss(*noisy, m_model.vocab), eval_loss(*quiet, m_model.vocab));
        const auto row = random_row(12, m_model.vocab, 4);
        const auto a = quiet->logprobs({row}, {}, {}), b = noisy->logprobs({row}, {}, {});
        REQUIRE_OK(a);
        REQUIRE_OK(b);
        QVERIFY(a->logprobs == b->logprobs);
        const auto loss_at = [&](uint64_t index) {
            const PackedBatch batch = make_batch({row}, 0, index);
            const bool ok = noisy->accumulate(batch, 1).ok();
            const auto outcome = noisy->apply_step(0);
            return ok && outcome.ok() ? outcome->loss : NAN;
        };
        QCOMPARE(loss_at(3), loss_at(3));
        QVERIFY(loss_at(3) != loss_at(4));
    }

    void every_module_and_micro_batch_has_its_own_mask() {
        dayrun::engine::LinearScratch scratch;
        std::set<std::pair<uint64_t, uint64_t>> streams;
        for (uint64_t batch = 0; batch < 20; ++batch) {
            for (int64_t module = 0; module < 30; ++module) {
                const auto stream =
                    dayrun::engine::LinearPass{scratch, 0.2F, 42, batch}.stream(module);
                streams.emplace(stream.seed, stream.stream);
            }
        }
        QCOMPARE(streams.size(), size_t{600});
    }

    // A base in NF4 is the model with the weights that NF4 gives back: the same losses to the bit.
    void nf4_equals_its_dequantized_model() {
        Recipe quantized = recipe_of("nf4 lora");
        auto engine = open_engine(quantized);
        QVERIFY(engine);
        QTemporaryDir folder;
        const std::filesystem::path adapter = folder.filePath("adapter").toStdString();
        const std::filesystem::path plain = folder.filePath("plain").toStdString();
        REQUIRE_OK(engine->save_adapter(adapter));  // its B is zero: the merge adds nothing
        REQUIRE_OK(merge_adapter(
            {.base = path("base"), .adapter = adapter, .out = plain, .dequantized = Nf4Options{}}));
        auto dense = open_engine(lora_recipe(plain));
        QVERIFY(dense);
        StepFigures of_nf4, of_dense;
        QVERIFY(train(*engine, 0, 5, m_model.vocab, of_nf4));
        QVERIFY(train(*dense, 0, 5, m_model.vocab, of_dense));
        QVERIFY(of_nf4 == of_dense);
        auto original = open_engine(recipe_of("lora"));
        StepFigures of_original;
        QVERIFY(train(*original, 0, 1, m_model.vocab, of_original));
        QVERIFY(of_original.losses[0] != of_nf4.losses[0]);
        const std::vector<int32_t> prompt{1, 5, 9};
        GenerateOptions options;
        options.max_new_tokens = 12;
        const auto a = engine->generate(prompt, options);
        const auto b = dense->generate(prompt, options);
        REQUIRE_OK(a);
        REQUIRE_OK(b);
        QVERIFY(*a == *b && a->size() == 12);
    }

    // Pieces of a weight in working memory give the products of the whole weight.
    void products_in_pieces() {
        using namespace dayrun::engine;
        const int64_t rows = 37, cols = 96, tokens = 21;
        std::vector<float> weight(rows * cols), x(tokens * cols), dy(tokens * rows);
        Rng rng(1, "pieces");
        for (auto* values : {&weight, &x, &dy}) {
            for (float& value : *values) value = static_cast<float>(rng.normal());
        }
        std::vector<uint8_t> codes(rows * cols / 2);
        std::vector<float> absmax((rows * cols + 63) / 64);
        QVERIFY(dayrun::kernels::nf4_quantize({.codes = codes.data(),
                                               .absmax = absmax.data(),
                                               .weight = weight.data(),
                                               .count = rows * cols}) ==
                dayrun::kernels::Nf4Outcome::Done);
        FrozenWeight frozen;
        frozen.nf4 = {.codes = codes.data(), .absmax = absmax.data(), .rows = rows, .cols = cols};
        LinearScratch scratch;
        const auto products = [&](int64_t most_bytes) {
            std::vector<float> made(tokens * (rows + cols), 1.0F);
            const Matrix y = dense(made.data(), tokens, rows, Dtype::Float32);
            const Matrix dx = dense(made.data() + tokens * rows, tokens, cols, Dtype::Float32);
            multiply_frozen(y, dense(x.data(), tokens, cols, Dtype::Float32), frozen, 1.0F, scratch,
                            most_bytes);
            multiply_frozen_back(dx, dense(dy.data(), tokens, rows, Dtype::Float32), frozen, 0.0F,
                                 scratch, most_bytes);
            return made;
        };
        const std::vector<float> whole = products(1 << 20);
        for (const int64_t most_rows : {1, 5, 36, 37}) {
            QVERIFY(relative_difference(products(most_rows * cols * 4), whole) < 1e-6);
        }
    }

    void full_training_over_nf4_is_refused() {
        Recipe recipe = recipe_of("nf4 lora");
        recipe.adapter.method = AdapterMethod::Full;
        DecoderEngine engine(Device{.threads = 1});
        const auto refused = engine.prepare(recipe);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, ErrorCode::BadRecipe);
    }
};

DAYRUN_TEST(TestMethods)
#include "test_methods.moc"
