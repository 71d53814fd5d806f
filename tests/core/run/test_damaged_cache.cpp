// A token cache is damaged before a run, before it goes on, or under it: the run trains on the very
// ids that it would have trained on, and says what it met.
#include <QTest>

#include "core/run/resume/continue_queue.h"
#include "tests/core/run/run_scene.h"
#include "tests/support/damaged_cache.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

// Four micro-batches a step, so that damage comes inside a step too.
const std::string kMore =
    "batch: {micro_batch_size: 1, gradient_accumulation_steps: 4, epochs: 2}\n"
    "eval: {every: {steps: 6}}\n";

/// Asks the run to stop as soon as it says a word.
class Stopper : public RunListener {
  public:
    Stopper(Recorder& told, RunControl& control, std::string word)
        : m_told(told), m_control(control), m_word(std::move(word)) {}
    void on_event(const RunEvent& event) override {
        m_told.on_event(event);
        const auto* const line = std::get_if<LogLine>(&event.body);
        if (line == nullptr || line->message.find(m_word) == std::string::npos) return;
        m_control.request(RunRequest::StopAtCheckpoint);
    }

  private:
    Recorder& m_told;
    RunControl& m_control;
    std::string m_word;
};

}  // namespace

class TestDamagedCache : public QObject {
    Q_OBJECT

    std::vector<double> m_losses, m_evals;

    static std::vector<double> evals_of(const Scene& scene) {
        std::vector<double> losses;
        const auto query = scene.project->query();
        const auto evals = query->evals("aa11");
        for (const EvalMetrics& eval : *evals) losses.push_back(eval.loss);
        return losses;
    }
    static std::vector<double> losses_of(const Scene& scene) {
        std::vector<double> losses;
        const auto query = scene.project->query();
        const auto steps = query->steps("aa11");
        for (const StepMetrics& step : *steps) losses.push_back(step.loss);
        return losses;
    }
    static std::filesystem::path caches(const Scene& scene) {
        return scene.project->cache_folder();
    }

  private Q_SLOTS:
    void initTestCase() {
        Scene scene;
        QCOMPARE(scene.run(kMore).state, RunState::Finished);
        QVERIFY(!scene.told.has_log("built anew"));
        m_losses = losses_of(scene);
        m_evals = evals_of(scene);
        QCOMPARE(m_losses.size(), size_t{20});
        QVERIFY(m_evals.size() > 3);
    }

    void a_run_over_a_damaged_cache_trains_on_the_same_ids() {
        Scene scene;
        // Another run made the caches; here all of them are damaged.
        scene.run("batch: {max_steps: 1}\n", "bb22");
        QVERIFY(flip_all_tokens(caches(scene)) > 300);
        const RunOutcome outcome = scene.run(kMore);
        QVERIFY2(outcome.state == RunState::Finished,
                 outcome.error ? outcome.error->text().c_str() : "");
        QCOMPARE(losses_of(scene), m_losses);
        QCOMPARE(evals_of(scene), m_evals);
        QVERIFY(scene.told.has_log("'train': The token cache"));
        QVERIFY(scene.told.has_log("'held_out': The token cache"));
        QVERIFY(scene.told.has_log("was damaged. It was built anew."));
        QCOMPARE(scene.counts->engines_alive.load(), 0);
    }

    void a_continued_run_too() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 30) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        QCOMPARE(scene.run(kMore).state, RunState::Stopped);
        scene.script->on_accumulate = {};
        QVERIFY(flip_all_tokens(caches(scene)) > 300);
        const RunOutcome outcome = scene.go_on(kMore);
        QVERIFY2(outcome.state == RunState::Finished,
                 outcome.error ? outcome.error->text().c_str() : "");
        QCOMPARE(losses_of(scene), m_losses);
        QCOMPARE(evals_of(scene), m_evals);
        QVERIFY(scene.told.has_log("was damaged. It was built anew."));
    }

    void damage_under_a_run_is_mended_and_the_run_goes_on() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 7 || call == 51) flip_all_tokens(caches(scene));
        };
        const RunOutcome outcome = scene.run(kMore);
        QVERIFY2(outcome.state == RunState::Finished,
                 outcome.error ? outcome.error->text().c_str() : "");
        QCOMPARE(losses_of(scene), m_losses);
        QCOMPARE(evals_of(scene), m_evals);
        QVERIFY(scene.told.has_log("is damaged. The run waits until it is built anew."));
        QVERIFY(scene.told.has_log("was damaged. It was built anew."));
    }

    void what_cannot_be_mended_ends_the_run_and_it_goes_on_later() {
        Scene scene;
        const auto rows = scene.place.folder() / "train.jsonl";
        const std::string before = *read_file(rows);
        scene.script->on_accumulate = [&](int call) {
            if (call != 7) return;
            [[maybe_unused]] const auto changed = write_file(rows, before + token_rows(1, 3));
            flip_all_tokens(caches(scene));
        };
        const RunOutcome failed = scene.run(kMore);
        QCOMPARE(failed.state, RunState::Failed);
        QVERIFY2(
            failed.error->message.find("is damaged. The data have changed") != std::string::npos,
            failed.error->text().c_str());
        QVERIFY2(failed.error->message.find(".tokens.arrow") != std::string::npos,
                 failed.error->message.c_str());
        QVERIFY(failed.steps >= 1);
        scene.script->on_accumulate = {};
        QVERIFY(write_file(rows, before).ok());
        const RunOutcome outcome = scene.go_on(kMore);
        QVERIFY2(outcome.state == RunState::Finished,
                 outcome.error ? outcome.error->text().c_str() : "");
        // Nothing that was trained was lost: it went on where the rows ended.
        QVERIFY(scene.told.has_log("Continuing after step " + std::to_string(failed.steps)));
        QCOMPARE(losses_of(scene), m_losses);
        QCOMPARE(evals_of(scene), m_evals);
    }

    void a_stop_while_it_is_mended_is_a_stop() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 7) flip_all_tokens(caches(scene));
        };
        Stopper stopper(scene.told, *scene.control, "waits until it is built anew");
        RunOrder order{.recipe = scene.place.recipe(kMore).value(), .run_id = "aa11"};
        const RunOutcome outcome =
            RunSession(*scene.project, scene.factory, *scene.control, stopper).run(order);
        QCOMPARE(outcome.state, RunState::Stopped);
        QVERIFY(outcome.steps >= 1 && outcome.steps < 10);
        scene.script->on_accumulate = {};
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
        QCOMPARE(losses_of(scene), m_losses);
        QCOMPARE(evals_of(scene), m_evals);
    }
};

DAYRUN_TEST(TestDamagedCache)
#include "test_damaged_cache.moc"
