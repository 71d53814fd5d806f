// Continuing: a run that was stopped, parked or killed anywhere goes on as if nothing had been, to
// the last bit; what cannot go on says why; a queue finds its own runs again.
#include <sys/wait.h>
#include <unistd.h>

#include <QTest>
#include <csignal>
#include <fstream>

#include "core/run/progress/progress.h"
#include "core/run/resume/continue_queue.h"
#include "core/run/run_files.h"
#include "tests/core/run/run_scene.h"
#include "tests/support/needs_fork.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

// Epochs of 20 micro-batches in groups of 3, so that an epoch's last group is a partial one;
// validations by steps and by epochs, and a schedule that moves.
const std::string kMore =
    "batch: {micro_batch_size: 2, gradient_accumulation_steps: 3, epochs: 2}\n"
    "schedule: {kind: cosine, warmup_steps: 3}\n"
    "eval: {every: [epoch, {steps: 4}]}\n";

std::string bytes_of(const std::filesystem::path& path) {
    return read_file(path).value_or("cannot be read");
}

/// Everything of a run that must not depend on where it was interrupted.
struct Trace {
    std::vector<std::vector<double>> steps, evals;
    std::string adapter, best, last;
    double best_eval_loss = 0;
    int64_t best_step = 0;
    /// Which part is not the same, for a failing test's message.
    QString difference(const Trace& other) const {
        if (steps != other.steps) return "steps";
        if (evals != other.evals) return "validations";
        if (adapter != other.adapter) return "adapter";
        if (best != other.best) return "best adapter";
        if (last != other.last) return "last adapter";
        return best_step == other.best_step && best_eval_loss == other.best_eval_loss ? "" : "best";
    }
};

// From the records, which hold the steps of all sessions.
Trace trace_of(const Scene& scene, const RunOutcome& outcome) {
    Trace trace;
    const auto query = scene.project->query();
    const auto steps = query->steps("aa11");
    const auto evals = query->evals("aa11");
    for (const StepMetrics& s : *steps) {
        trace.steps.push_back({static_cast<double>(s.step), s.epoch, s.loss, s.loss_z, s.grad_norm,
                               s.learning_rate, static_cast<double>(s.target_tokens)});
    }
    for (const EvalMetrics& e : *evals) {
        trace.evals.push_back({static_cast<double>(e.step), e.epoch, e.loss});
    }
    trace.adapter = bytes_of(scene.run_folder() / "adapter/adapter_model.safetensors");
    trace.best = bytes_of(scene.run_folder() / "checkpoints/best/adapter_model.safetensors");
    trace.last = bytes_of(scene.run_folder() / "checkpoints/last/adapter_model.safetensors");
    trace.best_eval_loss = outcome.best_eval_loss;
    trace.best_step = outcome.best_step;
    return trace;
}

Trace straight_trace() {
    Scene scene;
    return trace_of(scene, scene.run(kMore));
}

QueueItem item_of(const Recipe& recipe, const std::string& run_id) {
    QueueItem item;
    item.recipe = recipe;
    item.run_id = run_id;
    return item;
}

}  // namespace

class TestResume : public QObject {
    Q_OBJECT

    const Trace m_straight = straight_trace();

  private Q_SLOTS:
    void goes_on_from_anywhere_data() {
        QTest::addColumn<int>("accumulate");  // the request comes in this micro-batch, or
        QTest::addColumn<int>("evaluate");    // in this one of a validation (1 is the rehearsal)
        QTest::addColumn<int>("request");
        const int stop = static_cast<int>(RunRequest::StopAtCheckpoint);
        const int park = static_cast<int>(RunRequest::Park);
        QTest::newRow("first micro-batch") << 1 << 0 << stop;
        QTest::newRow("inside a step") << 8 << 0 << stop;
        QTest::newRow("end of a step") << 9 << 0 << park;
        QTest::newRow("just before a validation") << 12 << 0 << stop;
        QTest::newRow("partial last group of an epoch") << 20 << 0 << park;
        QTest::newRow("second epoch") << 31 << 0 << stop;
        QTest::newRow("very last micro-batch") << 40 << 0 << stop;
        QTest::newRow("inside the first validation") << 0 << 3 << stop;
        QTest::newRow("inside a validation") << 0 << 7 << park;
        QTest::newRow("inside the last validation") << 0 << 20 << stop;
    }
    void goes_on_from_anywhere() {
        QFETCH(int, accumulate);
        QFETCH(int, evaluate);
        QFETCH(int, request);
        const auto wanted = static_cast<RunRequest>(request);
        Scene scene;
        const auto ask_at = [&](int number) {
            return [&, number](int call) {
                if (call == number) scene.control->request(wanted);
            };
        };
        scene.script->on_accumulate = ask_at(accumulate);
        scene.script->on_evaluate = ask_at(evaluate);
        const RunOutcome first = scene.run(kMore);
        QCOMPARE(first.state, wanted == RunRequest::Park ? RunState::Parked : RunState::Stopped);
        QCOMPARE(scene.project->query()->run("aa11")->state, first.state);
        QCOMPARE(scene.counts->engines_alive.load(), 0);
        scene.script->on_accumulate = {};
        scene.script->on_evaluate = {};
        const RunOutcome second = scene.go_on(kMore);
        QVERIFY2(second.state == RunState::Finished,
                 second.error ? second.error->text().c_str() : "");
        QCOMPARE(trace_of(scene, second).difference(m_straight), QString());
        QVERIFY(scene.project->query()->run("aa11")->state == RunState::Finished);
        QCOMPARE(scene.project->query()->runs()->size(), size_t{1});
    }

    void goes_on_many_times() {
        Scene scene;
        int micro_batches = 0;
        scene.script->on_accumulate = [&](int) {
            if (++micro_batches == 7) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        RunOutcome outcome = scene.run(kMore);
        int sessions = 1;
        while (outcome.state == RunState::Stopped && ++sessions < 20) {
            micro_batches = 0;
            outcome = scene.go_on(kMore);
        }
        QCOMPARE(outcome.state, RunState::Finished);
        QVERIFY(sessions > 4);
        QCOMPARE(trace_of(scene, outcome).difference(m_straight), QString());
    }

    void killed_run_goes_on_from_its_last_point() {
        DAYRUN_NEEDS_FORK();
        Scene scene;
        Recipe recipe = scene.place.recipe(kMore).value();
        recipe.checkpoint.every_minutes = 0.001;  // a point after every step
        scene.script->sleep_ms = 25;
        scene.project.reset();
        const pid_t child = ::fork();
        if (child == 0) {
            scene.project = scene.place.open().value();
            scene.script->on_accumulate = [&](int call) {
                if (call != 29) return;
                // The newest points never reached the disk: step 7 is the last that did.
                std::filesystem::remove_all(scene.run_folder() / "checkpoints/step-00000009");
                std::filesystem::remove_all(scene.run_folder() / "checkpoints/step-00000008");
                if (scene.project->store().flush().ok()) ::kill(::getpid(), SIGKILL);
            };
            scene.run(recipe);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        QVERIFY(WIFSIGNALED(status));
        scene.project = scene.place.open().value();
        QVERIFY(scene.project->query()->run("aa11")->interrupted);
        QCOMPARE(scene.project->query()->run("aa11")->best_step, int64_t{8});
        scene.script->on_accumulate = [&](int call) {
            if (call == 2) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        const auto go_on = [&] {
            scene.control = std::make_unique<RunControl>();
            return scene.go({.recipe = recipe, .run_id = "aa11", .resumes = true});
        };
        // Stopped before the validation of step 8: its best adapter has not been reached again.
        QCOMPARE(go_on().state, RunState::Stopped);
        QCOMPARE(scene.project->query()->run("aa11")->best_step, int64_t{7});
        QVERIFY(bytes_of(scene.run_folder() / "adapter/adapter_model.safetensors") !=
                m_straight.adapter);
        scene.script->on_accumulate = {};
        const RunOutcome end = go_on();
        QCOMPARE(end.state, RunState::Finished);
        QCOMPARE(trace_of(scene, end).difference(m_straight), QString());
    }

    void run_without_a_point_starts_at_its_beginning() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 20) scene.control->request(RunRequest::Park);
        };
        scene.run(kMore);
        std::filesystem::remove_all(scene.run_folder() / "checkpoints");
        const RunOutcome end = scene.go_on(kMore);
        QVERIFY(scene.told.has_log("from the beginning"));
        QCOMPARE(trace_of(scene, end).difference(m_straight), QString());
    }

    void clock_goes_on_and_pauses_cost_no_budget() {
        RunProgress progress;
        progress.clock.earlier_s = 3600;
        progress.exact_match = {{.step = 0, .source_id = "a \"b\"", .rows = 3, .matches = 1}};
        for (int i = 0; i < 70; ++i) progress.outliers.remember(1.0 / (i + 3));
        const auto read = parse_progress(progress_json(progress));
        QVERIFY(read.ok());
        QVERIFY(read->clock.running_s() >= 3600 && read->clock.running_s() < 3660);
        QVERIFY(std::isnan(read->best_eval_loss));
        QCOMPARE(read->exact_match.at(0).source_id, std::string("a \"b\""));
        QVERIFY(read->outliers.recent() == progress.outliers.recent());
        QVERIFY(!parse_progress("{}").ok());
    }

    void other_recipe_is_refused_by_its_settings() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 8) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        scene.run(kMore);
        const RunOutcome other = scene.go_on(kMore + "adapter: {lora_rank: 5}\n");
        QCOMPARE(other.state, RunState::Failed);
        QVERIFY2(other.error->message.find("adapter.lora_rank was ") != std::string::npos,
                 other.error->text().c_str());
        // What the records tell of the run is as it was.
        QCOMPARE(scene.project->query()->run("aa11")->state, RunState::Stopped);
        QVERIFY(scene.project->query()->run("aa11")->error.empty());
    }

    void changed_data_are_refused() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 8) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        scene.run(kMore);
        const auto file = scene.place.folder() / "train.jsonl";
        const std::string before = bytes_of(file);
        QVERIFY(write_file(file, token_rows(40, 5)).ok());
        const RunOutcome changed = scene.go_on(kMore);
        QCOMPARE(changed.state, RunState::Failed);
        QVERIFY2(changed.error->message.find("data of run aa11 have changed") != std::string::npos,
                 changed.error->text().c_str());
        QVERIFY(write_file(file, before).ok());
        scene.script->on_accumulate = {};
        QCOMPARE(trace_of(scene, scene.go_on(kMore)).difference(m_straight), QString());
    }

    void damaged_points_are_told_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("damage");
        for (const QString file : {"state.txt", "adapter_model.safetensors", "progress.json"}) {
            for (const QString damage : {"shorter", "changed", "missing"}) {
                // Without its seal it is no point at all (the next test).
                if (file == "progress.json" && damage == "missing") continue;
                QTest::addRow("%s %s", qPrintable(file), qPrintable(damage)) << file << damage;
            }
        }
    }
    void damaged_points_are_told() {
        QFETCH(QString, file);
        QFETCH(QString, damage);
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 16) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        Recipe recipe = scene.place.recipe(kMore).value();
        scene.run(recipe);
        const auto folder = scene.run_folder() / "checkpoints/step-00000005";
        const auto path = folder / file.toStdString();
        std::string bytes = bytes_of(path);
        QVERIFY(bytes.size() > 2);
        if (damage == "changed")
            bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
        if (damage == "shorter") bytes.pop_back();
        std::filesystem::remove(path);
        if (damage != "missing") QVERIFY(write_file(path, bytes).ok());
        const RunOutcome refused = scene.go_on(kMore);
        QCOMPARE(refused.state, RunState::Failed);
        QVERIFY2(refused.error->text().find("step-00000005") != std::string::npos,
                 refused.error->text().c_str());
        QCOMPARE(scene.project->query()->run("aa11")->state, RunState::Stopped);
    }

    void a_folder_without_its_seal_is_no_point() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 16) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        scene.run(kMore);
        std::filesystem::remove(scene.run_folder() / "checkpoints/step-00000005/progress.json");
        // No new run in its place, where nobody would be told.
        QVERIFY(is_continuable(*scene.project, *scene.project->query()->run("aa11")));
        const RunOutcome end = scene.go_on(kMore);
        QVERIFY(scene.told.has_log("step-00000005 is no resume point"));
        QVERIFY(scene.told.has_log("from the beginning"));
        QCOMPARE(trace_of(scene, end).difference(m_straight), QString());
    }

    void what_a_killed_save_left_is_no_point_and_goes_data() {
        QTest::addColumn<bool>("has_point");
        QTest::newRow("beside a point") << true;
        QTest::newRow("without a point") << false;
    }
    // The names of this version and of those before it, half-written and whole.
    void what_a_killed_save_left_is_no_point_and_goes() {
        QFETCH(bool, has_point);
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 16) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        scene.run(kMore);
        const auto checkpoints = scene.run_folder() / "checkpoints";
        const auto point = checkpoints / "step-00000005";
        const std::vector<std::string> junk = {"step-00000009.tmp-31260-4",
                                               "step-00000009.tmp-31260-4.tmp-31260-5",
                                               "step-00000009.unfinished",
                                               "step-00000009.unfinished.tmp-31260",
                                               "step-00000009.unfinished.old.tmp-31260",
                                               "step-00000005.previous",
                                               "best.old.tmp-31260"};
        for (const std::string& name : junk) {
            std::filesystem::copy(point, checkpoints / name,
                                  std::filesystem::copy_options::recursive);
        }
        std::filesystem::remove(checkpoints / junk[3] / "progress.json");
        QVERIFY(write_file(scene.run_folder() / "manifest.json.tmp-31260-7", "{").ok());
        QVERIFY(write_file(scene.run_folder() / "notes.txt", "mine").ok());
        if (!has_point) {
            std::filesystem::remove_all(point);
            std::filesystem::remove_all(checkpoints / "step-00000005.previous");
        }
        QCOMPARE(RunFiles(scene.run_folder()).resume_points().size(), size_t{has_point ? 1u : 0u});
        QCOMPARE(is_continuable(*scene.project, *scene.project->query()->run("aa11")), has_point);

        const RunOutcome end = scene.go_on(kMore);
        QVERIFY2(end.state == RunState::Finished, end.error ? end.error->text().c_str() : "");
        QVERIFY(scene.told.has_log(has_point ? "after step 5" : "from the beginning"));
        QVERIFY(scene.told.has_log(has_point ? "Removed 8 half-written files or folders"
                                             : "Removed 7 half-written files or folders"));
        QCOMPARE(trace_of(scene, end).difference(m_straight), QString());
        for (const std::string& name : junk) QVERIFY(!std::filesystem::exists(checkpoints / name));
        QVERIFY(!std::filesystem::exists(scene.run_folder() / "manifest.json.tmp-31260-7"));
        QVERIFY(std::filesystem::exists(scene.run_folder() / "notes.txt"));
    }

    // Killed between the two renames on a disk that cannot exchange two names.
    void a_point_that_was_moved_aside_is_put_back() {
        for (const char* const aside : {"step-00000005.tmp-31260-4.previous",
                                        "step-00000005.previous", "step-00000005.old.tmp-31260"}) {
            Scene scene;
            scene.script->on_accumulate = [&](int call) {
                if (call == 16) scene.control->request(RunRequest::StopAtCheckpoint);
            };
            scene.run(kMore);
            const auto checkpoints = scene.run_folder() / "checkpoints";
            std::filesystem::rename(checkpoints / "step-00000005", checkpoints / aside);
            scene.script->on_accumulate = {};
            const RunOutcome end = scene.go_on(kMore);
            QVERIFY(scene.told.has_log("Continuing after step 5"));
            QCOMPARE(trace_of(scene, end).difference(m_straight), QString());
        }
    }

    // Of other runs and in the caches: what a living program is writing stays.
    void an_opened_run_sweeps_the_project() {
        Scene scene;
        const auto other = scene.project->run_folder("bb22");
        const auto cache = scene.project->cache_folder();
        QVERIFY(write_file(other / "checkpoints/best.tmp-31260-1/weights", "half").ok());
        QVERIFY(write_file(other / "report.md.tmp-31260-2", "half").ok());
        QVERIFY(write_file(cache / "a.tokens.arrow.tmp-31260-3", "half").ok());
        const auto living = Temporary::file(cache / "b.tokens.arrow");
        const auto saving = Temporary::folder(other / "checkpoints/last");
        QVERIFY(living.ok() && saving.ok());
        QCOMPARE(scene.run(kMore).state, RunState::Finished);
        QVERIFY(scene.told.has_log("Removed 3 half-written files or folders"));
        QVERIFY(!std::filesystem::exists(other / "checkpoints/best.tmp-31260-1"));
        QVERIFY(!std::filesystem::exists(other / "report.md.tmp-31260-2"));
        QVERIFY(!std::filesystem::exists(cache / "a.tokens.arrow.tmp-31260-3"));
        QVERIFY(std::filesystem::exists(living->path()));
        QVERIFY(std::filesystem::exists(saving->path()));
    }

    void older_point_serves_when_the_newest_is_damaged() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 16) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        Recipe recipe = scene.place.recipe(kMore).value();
        recipe.checkpoint.every_minutes = 0.001;
        scene.script->sleep_ms = 25;
        scene.run(recipe);
        QVERIFY(write_file(scene.run_folder() / "checkpoints/step-00000005/state.txt", "x").ok());
        scene.script->on_accumulate = {};
        scene.control = std::make_unique<RunControl>();
        const auto end = scene.go({.recipe = recipe, .run_id = "aa11", .resumes = true});
        QVERIFY(scene.told.has_log("step-00000005 is damaged"));
        QCOMPARE(trace_of(scene, end).difference(m_straight), QString());
    }

    void discarded_run_does_not_go_on() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 8) scene.control->request(RunRequest::Discard);
        };
        scene.run(kMore);
        std::vector<QueueItem> items = {item_of(scene.place.recipe(kMore).value(), "bb22")};
        QVERIFY(match_interrupted(*scene.project, items).ok());
        QVERIFY(!items[0].resumes && !items[0].done);
        QCOMPARE(items[0].run_id, std::string("bb22"));
    }

    void queue_finds_its_runs_again() {
        Scene scene;
        const Recipe recipe = scene.place.recipe(kMore).value();
        Recipe other = recipe;
        other.seed = 8;
        scene.run(recipe, "aa11");
        scene.script->on_accumulate = [&](int call) {
            if (call == 48) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        scene.run(recipe, "bb22");
        std::vector<QueueItem> items = {item_of(recipe, "x1"), item_of(recipe, "x2"),
                                        item_of(recipe, "x3"), item_of(other, "x4")};
        QVERIFY(match_interrupted(*scene.project, items).ok());
        QVERIFY(items[0].done && items[0].run_id == "aa11");
        QVERIFY(items[1].resumes && items[1].run_id == "bb22");
        QVERIFY(!items[2].resumes && !items[2].done && items[2].run_id == "x3");
        QVERIFY(!items[3].resumes && items[3].run_id == "x4");
        scene.script->on_accumulate = {};
        scene.control = std::make_unique<RunControl>();
        scene.told.events.clear();
        const auto ends =
            run_queue(*scene.project, scene.factory, *scene.control, scene.told, items, {});
        QCOMPARE(ends.size(), size_t{4});
        for (const RunOutcome& end : ends) QCOMPARE(end.state, RunState::Finished);
        QCOMPARE(scene.told.all<RunFinished>().size(), size_t{4});
        QCOMPARE(ends[0].adapter, std::string("runs/aa11/adapter"));
    }

    void queue_refuses_a_changed_recipe_before_it_starts() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 8) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        const Recipe recipe = scene.place.recipe(kMore).value();
        scene.run(recipe);
        Recipe changed = recipe;
        changed.optimizer.learning_rate = 0.5;
        std::vector<QueueItem> items = {item_of(changed, "x1")};
        const auto refused = match_interrupted(*scene.project, items);
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().code == ErrorCode::BadRecipe);
        QVERIFY2(refused.error().message.find("optimizer.learning_rate was 0.001 and is 0.5") !=
                     std::string::npos,
                 refused.error().text().c_str());
    }
};

DAYRUN_TEST(TestResume)
#include "test_resume.moc"
