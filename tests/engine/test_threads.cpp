// What several threads promise: the bits of a rerun, of every activation plan and of a run that was
// continued; nearly the losses of one thread; faults of a task at the engine's door; and that each
// engine keeps its own number of threads. The model is wide enough for every kernel to be divided.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <map>
#include <new>
#include <thread>

#include "core/engine/thread_pool.h"
#include "kernels/bfloat16_product/bfloat16_product.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::DecoderEngine;
using dayrun::engine::thread_count;

namespace {

constexpr int kSteps = 3;

PackedBatch wide_batch_of_step(int step, int64_t vocab) {
    const auto seed = static_cast<uint64_t>(10 * step);
    return make_batch({join_rows({random_row(97, vocab, seed), random_row(14, vocab, seed + 1)}),
                       random_row(60, vocab, seed + 2)},
                      0, static_cast<uint64_t>(step));
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        largest = std::max(largest, std::abs(a[i] - b[i]) / std::abs(b[i]));
    }
    return largest;
}

}  // namespace

class TestThreads : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    TinyModel m_model{.vocab = 1500,
                      .hidden = 192,
                      .intermediate = 512,
                      .layers = 2,
                      .heads = 4,
                      .kv_heads = 2,
                      .head_dim = 48,
                      .weight_scale = 0.05};
    std::map<QString, StepFigures> m_alone;  // of one thread

    std::filesystem::path path(const QString& name) const {
        return m_folder.filePath(name).toStdString();
    }

    Recipe recipe_of(const QString& method) const {
        Recipe recipe = lora_recipe(path(method.startsWith("bf16") ? "base16" : "base32"), 8);
        if (method.contains("dora")) recipe.adapter.method = AdapterMethod::Dora;
        if (method.contains("full")) recipe.adapter.method = AdapterMethod::Full;
        if (method.contains("dropout")) recipe.adapter.lora_dropout = 0.2;
        if (method.contains("noise")) recipe.adapter.neftune_alpha = 5;
        if (method.contains("nf4")) recipe.quantization.base = BaseQuantization::Nf4;
        if (method.contains("8-bit")) recipe.optimizer.name = OptimizerName::AdamW8bit;
        return recipe;
    }

    bool train_alone(const QString& method, StepFigures& figures) {
        if (!m_alone.contains(method)) {
            const auto engine = open_engine(recipe_of(method), 1);
            StepFigures& alone = m_alone[method];
            if (!engine || !train(*engine, 0, kSteps, m_model.vocab, alone, wide_batch_of_step))
                return false;
        }
        figures = m_alone[method];
        return true;
    }

  private Q_SLOTS:
    void initTestCase() {
        QVERIFY(write_tiny_model(path("base32"), m_model, 5, TensorDtype::Float32));
        QVERIFY(write_tiny_model(path("base16"), m_model, 5, TensorDtype::BFloat16));
    }

    void training_repeats_data() {
        QTest::addColumn<QString>("method");
        QTest::addColumn<int>("threads");
        for (const char* const method :
             {"lora", "dora dropout", "nf4 lora noise", "full", "lora 8-bit", "bf16 lora",
              "bf16 dora dropout noise", "bf16 nf4 lora", "bf16 full 8-bit"}) {
            for (const int threads : {2, 3, 4}) {
                QTest::addRow("%s, %d threads", method, threads) << method << threads;
            }
        }
    }
    void training_repeats() {
        QFETCH(QString, method);
        QFETCH(int, threads);
        const Recipe recipe = recipe_of(method);
        StepFigures straight, stopped, alone;
        {
            const auto engine = open_engine(recipe, threads);
            QVERIFY(engine);
            engine->set_activation_plan({Keep::Everything, Keep::Everything});
            QVERIFY(train(*engine, 0, kSteps, m_model.vocab, straight, wide_batch_of_step));
        }
        // Another plan, and cut off after two steps.
        const std::filesystem::path folder = path(method + QString::number(threads));
        {
            const auto engine = open_engine(recipe, threads);
            QVERIFY(engine);
            engine->set_activation_plan({Keep::InputOnly, Keep::DropGateUp});
            QVERIFY(train(*engine, 0, 2, m_model.vocab, stopped, wide_batch_of_step));
            REQUIRE_OK(engine->save_state(folder));
        }
        const auto engine = open_engine(recipe, threads);
        QVERIFY(engine);
        engine->set_activation_plan({Keep::InputOnly, Keep::DropGateUp});
        REQUIRE_OK(engine->load_state(folder));
        QVERIFY(train(*engine, 2, kSteps, m_model.vocab, stopped, wide_batch_of_step));
        QVERIFY(stopped == straight);
        QVERIFY(train_alone(method, alone));
        // Slices of MKL's and oneDNN's products may differ in their last bits, our own products do
        // not.
        if (method.startsWith("bf16") && dayrun::kernels::has_bfloat16_product()) {
            QVERIFY(straight == alone);
        }
        QVERIFY(largest_difference(straight.losses, alone.losses) < 1e-6);
        QVERIFY(largest_difference(straight.norms, alone.norms) < 1e-5);
    }

    void each_engine_keeps_its_threads() {
        const auto one = open_engine(recipe_of("lora"), 1);
        const auto three = open_engine(recipe_of("lora"), 3);
        QVERIFY(one && three);
        QVERIFY(std::isfinite(eval_loss(*one, m_model.vocab)));
        QCOMPARE(thread_count(), 1);
        QVERIFY(std::isfinite(eval_loss(*three, m_model.vocab)));
        QCOMPARE(thread_count(), 3);
        // A new thread often has the name of one that has ended.
        for (int i = 0; i < 2; ++i) {
            int seen = 0;
            std::thread([&] {
                if (i == 1) dayrun::engine::use_threads(2);
                if (std::isfinite(eval_loss(*one, m_model.vocab))) seen = thread_count();
            }).join();
            QCOMPARE(seen, 1);
        }
    }

    void a_fault_in_a_task_comes_out() {
        dayrun::engine::use_threads(3);
        for (const int64_t faulty : {0, 2, 5}) {
            const auto run = [&] {
                dayrun::kernels::parallel_for(6, 1, [&](int64_t begin, int64_t end) {
                    if (begin <= faulty && faulty < end) throw std::bad_alloc();
                });
            };
            dayrun::kernels::set_parallel_backend(&dayrun::engine::run_in_parallel);
            QVERIFY_EXCEPTION_THROWN(run(), std::bad_alloc);
        }
    }

    // Memory that runs out inside the attention's tasks is an answer, and what was taken goes back.
    void a_budget_that_ends_in_the_attention_is_told() {
        auto& ledger = dayrun::engine::host_arena().ledger();
        const int64_t before = ledger.total_held();
        {
            DecoderEngine engine(Device{.threads = 3});
            REQUIRE_OK(engine.prepare(recipe_of("lora")));
            const PackedBatch batch = make_batch({random_row(500, m_model.vocab, 1)}, 0);
            int refused = 0;
            for (int64_t kib = 256; kib <= 65536; kib *= 2) {
                ledger.set_limit(ledger.total_held() + (kib << 10));
                const auto done = engine.accumulate(batch, 100);
                ledger.set_limit(0);
                if (done.ok()) break;
                QCOMPARE(done.error().code, ErrorCode::OutOfHostMemory);
                engine.drop_gradients();
                ++refused;
            }
            QVERIFY(refused > 2);
            REQUIRE_OK(engine.accumulate(batch, 100));
            REQUIRE_OK(engine.apply_step(0.01));
        }
        QCOMPARE(ledger.total_held(), before);
    }
};

DAYRUN_TEST(TestThreads)
#include "test_threads.moc"
