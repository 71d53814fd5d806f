// The engine's promises on small random models, without outside figures: repeats bit for bit, packs
// without changing losses, continues where it stopped, saves what it loads, and never applies a
// step that is not finite.
#include <QTemporaryDir>
#include <QTest>
#include <cmath>
#include <latch>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "core/engine/engine_factory.h"
#include "kernels/common/parallel.h"
#include "tests/engine/engine_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;
using dayrun::engine::Keep;
using dayrun::engine::Parameter;

class TestDecoderEngine : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    TinyModel m_model;

    std::filesystem::path path(const char* name) const {
        return m_folder.filePath(name).toStdString();
    }
    Recipe recipe() const { return lora_recipe(path("base")); }

  private Q_SLOTS:
    void initTestCase() {
        QVERIFY(write_tiny_model(path("base"), m_model, 5));
        QVERIFY(write_tiny_model(path("base16"), m_model, 5, TensorDtype::BFloat16));
    }

    void reruns_are_bit_equal_data() {
        QTest::addColumn<QString>("base");
        QTest::addColumn<int>("threads");
        QTest::newRow("float32") << "base" << 1;
        QTest::newRow("float32, two threads") << "base" << 2;
        QTest::newRow("bfloat16") << "base16" << 1;
        QTest::newRow("bfloat16, two threads") << "base16" << 2;
    }
    void reruns_are_bit_equal() {
        QFETCH(QString, base);
        QFETCH(int, threads);
        StepFigures runs[2];
        for (StepFigures& run : runs) {
            auto engine = open_engine(lora_recipe(path(qPrintable(base))), threads);
            QVERIFY(engine);
            QVERIFY(train(*engine, 0, 4, m_model.vocab, run));
        }
        QVERIFY(runs[0].losses == runs[1].losses);
        QVERIFY(runs[0].norms == runs[1].norms);
        QVERIFY(runs[0].losses[3] != runs[0].losses[0]);
    }

    // Each piece waits for the others, so that no thread can do two of them.
    void kernels_run_on_as_many_threads_as_asked() {
        for (const int threads : {1, 2}) {
            QVERIFY(open_engine(recipe(), threads));
            std::mutex mutex;
            std::set<std::thread::id> seen;
            std::latch all_are_there(threads);
            dayrun::kernels::parallel_for(8, 1, [&](int64_t, int64_t) {
                {
                    const std::lock_guard lock(mutex);
                    seen.insert(std::this_thread::get_id());
                }
                all_are_there.arrive_and_wait();
            });
            QCOMPARE(seen.size(), static_cast<size_t>(threads));
        }
    }

    void plans_are_bit_equal_data() {
        QTest::addColumn<QString>("base");
        QTest::newRow("float32") << "base";
        QTest::newRow("bfloat16") << "base16";
    }
    void plans_are_bit_equal() {
        QFETCH(QString, base);
        std::vector<StepFigures> runs;
        for (const auto& plan :
             std::vector<std::vector<Keep>>{{Keep::Everything, Keep::Everything},
                                            {Keep::DropGateUp, Keep::DropGateUp},
                                            {Keep::InputOnly, Keep::InputOnly},
                                            {Keep::InputOnly, Keep::DropGateUp}}) {
            auto engine = open_engine(lora_recipe(path(qPrintable(base))));
            QVERIFY(engine);
            engine->decoder().set_plan(plan);
            QVERIFY(train(*engine, 0, 3, m_model.vocab, runs.emplace_back()));
        }
        for (const StepFigures& run : runs) {
            QVERIFY(run.losses == runs[0].losses);
            QVERIFY(run.norms == runs[0].norms);
        }
    }

    void a_packed_row_equals_its_documents() {
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        const std::vector<PackedRow> rows = {random_row(9, m_model.vocab, 1),
                                             random_row(12, m_model.vocab, 2),
                                             random_row(2, m_model.vocab, 3, 0.0)};
        double separate = 0;
        for (const PackedRow& row : rows) {
            const auto alone = engine->evaluate({make_batch({row}, 0)}, 1);
            REQUIRE_OK(alone);
            separate += alone->total.loss_sum;
        }
        const auto packed = engine->evaluate({make_batch({join_rows(rows)}, 32)}, 1);
        REQUIRE_OK(packed);
        QVERIFY(std::abs(packed->total.loss_sum - separate) < 1e-5 * separate);
    }

    void micro_batches_add_up_to_one_batch() {
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        const std::vector<PackedRow> rows = {random_row(9, m_model.vocab, 1),
                                             random_row(12, m_model.vocab, 2)};
        const PackedBatch both = make_batch(rows, 0);
        const auto divisor = static_cast<double>(both.target_token_count);
        REQUIRE_OK(engine->accumulate(both, divisor));
        std::vector<std::vector<float>> whole;
        for (const Parameter& parameter : engine->parameters().all()) {
            whole.emplace_back(parameter.gradient, parameter.gradient + parameter.count);
        }
        engine->drop_gradients();
        for (const PackedRow& row : rows) {
            REQUIRE_OK(engine->accumulate(make_batch({row}, 0), divisor));
        }
        size_t next = 0;
        for (const Parameter& parameter : engine->parameters().all()) {
            const std::vector<float>& want = whole[next++];
            QVERIFY(relative_difference(gradient_of(parameter), want) < 1e-5);
        }
    }

    void evaluation_splits_by_source() {
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        PackedRow first = random_row(9, m_model.vocab, 1), second = random_row(8, m_model.vocab, 2);
        second.documents[0].source_index = 1;
        const auto both = engine->evaluate({make_batch({join_rows({first, second})}, 0)}, 2);
        const auto one = engine->evaluate({make_batch({first}, 0)}, 2);
        REQUIRE_OK(both);
        REQUIRE_OK(one);
        QCOMPARE(both->by_source[0].target_tokens, first.target_token_count);
        QCOMPARE(both->by_source[1].target_tokens, second.target_token_count);
        const double want = one->total.loss_sum;
        QVERIFY(std::abs(both->by_source[0].loss_sum - want) < 1e-5 * want);
    }

    void a_saved_adapter_gives_the_same_loss_data() {
        QTest::addColumn<QString>("base");
        QTest::newRow("float32") << "base";
        QTest::newRow("bfloat16") << "base16";
    }
    void a_saved_adapter_gives_the_same_loss() {
        QFETCH(QString, base);
        Recipe first = lora_recipe(path(qPrintable(base)), 5, 7);
        first.adapter.method = AdapterMethod::RsLora;
        auto engine = open_engine(first);
        QVERIFY(engine);
        StepFigures run;
        QVERIFY(train(*engine, 0, 3, m_model.vocab, run));
        const std::filesystem::path saved = path("adapter");
        REQUIRE_OK(engine->save_adapter(saved));
        REQUIRE_OK(engine->save_adapter(saved));  // over an older one
        Recipe again = lora_recipe(path(qPrintable(base)));
        again.adapter.init_from = saved.string();
        auto loaded = open_engine(again);
        QVERIFY(loaded);
        QCOMPARE(eval_loss(*loaded, m_model.vocab), eval_loss(*engine, m_model.vocab));
        auto fresh = open_engine(first);
        QVERIFY(eval_loss(*fresh, m_model.vocab) != eval_loss(*engine, m_model.vocab));
    }

    void continues_bit_equal() {
        StepFigures straight, stopped;
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        QVERIFY(train(*engine, 0, 6, m_model.vocab, straight));
        auto before = open_engine(recipe());
        QVERIFY(train(*before, 0, 3, m_model.vocab, stopped));
        REQUIRE_OK(before->save_state(path("state")));
        auto after = open_engine(recipe());
        REQUIRE_OK(after->load_state(path("state")));
        QVERIFY(train(*after, 3, 6, m_model.vocab, stopped));
        QVERIFY(straight.losses == stopped.losses);
        auto other = open_engine(lora_recipe(path("base"), 3));
        QVERIFY(!other->load_state(path("state")).ok());
        QVERIFY(!other->load_state(path("nowhere")).ok());
    }

    void a_step_that_is_not_finite_changes_nothing() {
        auto engine = open_engine(recipe());
        QVERIFY(engine);
        const double before = eval_loss(*engine, m_model.vocab);
        Parameter& victim = engine->parameters().all().front();
        const float kept = victim.value[0];
        victim.value[0] = std::numeric_limits<float>::infinity();
        const PackedBatch batch = batch_of_step(0, m_model.vocab);
        REQUIRE_OK(engine->accumulate(batch, 10));
        const auto outcome = engine->apply_step(0.1);
        REQUIRE_OK(outcome);
        QVERIFY(outcome->skipped);
        victim.value[0] = kept;
        QCOMPARE(eval_loss(*engine, m_model.vocab), before);
        // A gradient that is no number under a finite loss stops the step as well, and leaves the
        // optimizer as it was.
        REQUIRE_OK(engine->accumulate(batch, 10));
        engine->parameters().all().back().gradient[3] = std::numeric_limits<float>::quiet_NaN();
        const auto poisoned = engine->apply_step(0.1);
        REQUIRE_OK(poisoned);
        QVERIFY(poisoned->skipped && std::isfinite(poisoned->loss));
        QVERIFY(!std::isfinite(poisoned->grad_norm));
        QCOMPARE(eval_loss(*engine, m_model.vocab), before);
        auto fresh = open_engine(recipe());
        REQUIRE_OK(fresh->accumulate(batch, 10));
        QVERIFY(!fresh->apply_step(0.1)->skipped);
        // The next step is applied as if nothing had been.
        REQUIRE_OK(engine->accumulate(batch, 10));
        QVERIFY(!engine->apply_step(0.1)->skipped);
        QCOMPARE(eval_loss(*engine, m_model.vocab), eval_loss(*fresh, m_model.vocab));
    }

    void full_training_saves_a_model_that_opens() {
        Recipe full = recipe();
        full.adapter.method = AdapterMethod::Full;
        full.base.random_init = true;
        auto engine = open_engine(full);
        QVERIFY(engine);
        StepFigures run;
        QVERIFY(train(*engine, 0, 1, m_model.vocab, run));
        for (int i = 0; i < 20; ++i) QVERIFY(train(*engine, 0, 1, m_model.vocab, run));
        QVERIFY(run.losses.back() < 0.5 * run.losses.front());
        REQUIRE_OK(engine->save_adapter(path("whole")));
        auto opened = open_engine(lora_recipe(path("whole")));
        QVERIFY(opened);
        QCOMPARE(eval_loss(*opened, m_model.vocab), eval_loss(*engine, m_model.vocab));
        full.adapter.dtype = DtypeChoice::BFloat16;
        auto narrow = open_engine(full);
        REQUIRE_OK(narrow->save_adapter(path("narrow")));
        auto narrow_opened = std::make_unique<dayrun::engine::DecoderEngine>(Device{.threads = 1});
        const auto prepared = narrow_opened->prepare_base(lora_recipe(path("narrow")));
        REQUIRE_OK(prepared);
        QCOMPARE(prepared->dtype, std::string("bfloat16"));
        QCOMPARE(prepared->trained_parameter_count, int64_t{0});
    }

    void refuses_what_it_cannot_do() {
        const auto code_of = [&](auto change) {
            Recipe changed = recipe();
            change(changed);
            dayrun::engine::DecoderEngine engine(Device{.threads = 1});
            const auto prepared = engine.prepare(changed);
            return prepared.ok() ? ErrorCode::Internal : prepared.error().code;
        };
        QCOMPARE(code_of([](Recipe& r) {
                     r.adapter.method = AdapterMethod::Full;
                     r.adapter.lora_dropout = 0.1;
                 }),
                 ErrorCode::BadRecipe);
        QCOMPARE(code_of([](Recipe& r) { r.base.random_init = true; }), ErrorCode::BadRecipe);
        QVERIFY(!dayrun::engine::make_engine({.kind = DeviceKind::Cuda}).ok());
        auto engine = open_engine(recipe());
        PackedBatch foreign = batch_of_step(0, m_model.vocab);
        foreign.tokens[2] = static_cast<int32_t>(m_model.vocab);
        QCOMPARE(engine->accumulate(foreign, 1).error().code, ErrorCode::BadData);
    }
};

DAYRUN_TEST(TestDecoderEngine)
#include "test_decoder_engine.moc"
