// Whole runs with the FakeEngine: the walk's events and files, requests, failures, equal losses.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QTest>
#include <cmath>
#include <csignal>

#include "core/events/event_json.h"
#include "core/run/run_thread.h"
#include "tests/core/run/run_scene.h"
#include "tests/support/needs_fork.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestRunSession : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void walks_from_recipe_to_adapter() {
        Scene scene;
        const RunOutcome outcome = scene.run(
            "batch: {micro_batch_size: 2, gradient_accumulation_steps: 3, epochs: 2}\n"
            "eval: {every: [epoch, {steps: 5}]}\n");
        QVERIFY2(outcome.state == RunState::Finished,
                 outcome.error ? outcome.error->text().c_str() : "");
        // 40 rows are 20 micro-batches: 6 groups of 3 and a last one of 2, which is stepped.
        QCOMPARE(outcome.steps, int64_t{14});
        QCOMPARE(scene.counts->accumulate.load(), 40);
        QCOMPARE(scene.counts->engines_alive.load(), 0);
        QCOMPARE(outcome.adapter, std::string("runs/aa11/adapter"));
        QVERIFY(scene.has_adapter());
        for (const char* file :
             {"recipe.yaml", "report.md", "checkpoints/best", "checkpoints/last"}) {
            QVERIFY2(std::filesystem::exists(scene.run_folder() / file), file);
        }
        // Validated after the steps 5, 7, 10 and 14, once each, for the one source and for all.
        std::vector<int64_t> eval_steps;
        for (const EvalMetrics& eval : scene.told.all<EvalMetrics>()) {
            if (eval.source_id == "all") eval_steps.push_back(eval.step);
        }
        QCOMPARE(eval_steps, (std::vector<int64_t>{5, 7, 10, 14}));
        QCOMPARE(scene.told.all<EvalMetrics>().size(), size_t{8});
        const auto steps = scene.told.all<StepMetrics>();
        QCOMPARE(steps.size(), size_t{14});
        QCOMPARE(steps[6].epoch, 1.0);
        QCOMPARE(steps.back().epoch, 2.0);
        QCOMPARE(steps.back().eta_s, 0.0);
        QVERIFY(steps.back().loss < steps.front().loss);
        QVERIFY(std::isfinite(outcome.best_eval_loss));
        QCOMPARE(outcome.best_step, int64_t{14});

        const auto ended = scene.told.all<RunFinished>();
        QCOMPARE(ended.size(), size_t{1});
        QVERIFY(std::holds_alternative<RunFinished>(scene.told.events.back().body));
        const auto query = scene.project->query();
        const auto record = query->run("aa11");
        QVERIFY(record->state == RunState::Finished);
        QCOMPARE(record->total_steps, int64_t{14});
        QCOMPARE(record->adapter, outcome.adapter);
        QVERIFY(!record->data_sha256.empty());
        QCOMPARE(query->steps("aa11")->size(), size_t{14});
    }

    void loss_is_divided_once_by_the_steps_tokens() {
        // The same rows in one micro-batch or in four give the same step.
        std::vector<std::vector<double>> losses;
        for (const char* batch : {"{micro_batch_size: 8, gradient_accumulation_steps: 1}",
                                  "{micro_batch_size: 2, gradient_accumulation_steps: 4}"}) {
            Scene scene;
            scene.run(std::string("batch: ") + batch + "\n");
            losses.push_back(scene.told.losses());
        }
        QCOMPARE(losses[0].size(), size_t{5});
        QCOMPARE(losses[1].size(), size_t{5});
        for (size_t i = 0; i < 5; ++i) {
            QVERIFY(std::abs(losses[0][i] - losses[1][i]) < 1e-12 * losses[0][i]);
        }
        Scene compatible;
        compatible.run(
            "batch: {micro_batch_size: 2, gradient_accumulation_steps: 4, loss_mean: "
            "micro_batches}\n");
        QVERIFY(std::abs(compatible.told.losses()[0] - losses[1][0]) > 1e-9);
    }

    void schedule_starts_at_zero_with_warm_up() {
        Scene scene;
        scene.run("schedule: {kind: cosine, warmup_steps: 2}\nbatch: {max_steps: 5}\n");
        const auto steps = scene.told.all<StepMetrics>();
        QCOMPARE(steps.size(), size_t{5});
        QCOMPARE(steps[0].learning_rate, 0.0);
        QCOMPARE(steps[1].learning_rate, 5e-4);
        QCOMPARE(steps[2].learning_rate, 1e-3);
        QVERIFY(steps[4].learning_rate < steps[3].learning_rate);
    }

    void stop_answers_within_one_micro_batch() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 6) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        const RunOutcome outcome = scene.run("batch: {gradient_accumulation_steps: 4}\n");
        QVERIFY(outcome.state == RunState::Stopped);
        QCOMPARE(scene.counts->accumulate.load(), 6);  // not one more after the request
        QCOMPARE(scene.counts->apply_step.load(), 1);
        QCOMPARE(scene.counts->drop_gradients.load(), 1);
        QVERIFY(scene.has_adapter());
        QCOMPARE(outcome.adapter, std::string("runs/aa11/adapter"));
        QVERIFY(scene.project->query()->run("aa11")->state == RunState::Stopped);
        QVERIFY(!scene.project->query()->run("aa11")->interrupted);
    }

    void stop_in_a_validation_answers_within_one_micro_batch() {
        Scene scene;
        scene.script->on_evaluate = [&](int call) {
            if (call == 3) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        const RunOutcome outcome = scene.run("eval: {every: {steps: 2}}\n");
        QVERIFY(outcome.state == RunState::Stopped);
        QCOMPARE(scene.counts->evaluate.load(), 3);
        QVERIFY(scene.told.all<EvalMetrics>().empty());  // half a validation is none
        QVERIFY(scene.has_adapter());
    }

    void stop_before_the_first_step_leaves_an_adapter() {
        Scene scene;
        scene.control->request(RunRequest::StopAtCheckpoint);
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Stopped);
        QCOMPARE(scene.counts->accumulate.load(), 0);
        QVERIFY(scene.has_adapter());
    }

    void finish_now_validates_and_finishes() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 3) scene.control->request(RunRequest::FinishNow);
        };
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Finished);
        QCOMPARE(outcome.steps, int64_t{3});
        QCOMPARE(scene.told.all<EvalMetrics>().size(), size_t{2});
        QVERIFY(scene.has_adapter());
    }

    void discard_keeps_nothing() {
        Scene scene;
        scene.script->on_accumulate = [&](int call) {
            if (call == 9) scene.control->request(RunRequest::Discard);
        };
        const RunOutcome outcome = scene.run("eval: {every: {steps: 4}}\n");
        QVERIFY(outcome.state == RunState::Stopped);
        QVERIFY(outcome.adapter.empty());
        QVERIFY(!scene.has_adapter());
        QVERIFY(!std::filesystem::exists(scene.run_folder() / "checkpoints/best"));
    }

    void failing_step_keeps_what_was_trained() {
        Scene scene;
        scene.script->fail_at_step = 4;
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Failed);
        QCOMPARE(outcome.steps, int64_t{3});
        QVERIFY(outcome.error->message.find("fake device") != std::string::npos);
        QVERIFY(scene.has_adapter());
        const auto record = scene.project->query()->run("aa11");
        QVERIFY(record->state == RunState::Failed);
        QCOMPARE(record->error, outcome.error->text());
        QCOMPARE(scene.told.all<RunFailed>().size(), size_t{1});
        QVERIFY(scene.told.all<RunFinished>().front().state == RunState::Failed);
        QCOMPARE(scene.counts->engines_alive.load(), 0);
    }

    void exception_of_a_library_fails_the_run_only() {
        Scene scene;
        scene.script->throw_at_step = 2;
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY(outcome.error->code == ErrorCode::Internal);
        scene.script->throw_at_step = 0;
        QVERIFY(scene.run("", "bb22").state == RunState::Finished);
    }

    void base_that_cannot_be_opened_fails_the_run() {
        Scene scene;
        scene.script->fail_prepare = true;
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY(outcome.error->code == ErrorCode::BadModel);
        QVERIFY(outcome.adapter.empty());
        QVERIFY(scene.project->query()->run("aa11")->state == RunState::Failed);
    }

    void an_id_that_the_base_does_not_have_fails_the_run_before_its_first_step() {
        Scene scene;
        const auto folder = scene.place.folder();
        QVERIFY(write_file(folder / "base/config.json",
                           R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama",
                               "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32,
                               "num_hidden_layers": 2, "num_attention_heads": 2,
                               "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
                               "max_position_embeddings": 128, "hidden_act": "silu"})")
                    .ok());
        QVERIFY(
            write_file(folder / "train.jsonl", token_rows(40) + "{\"input_ids\": [1, 200, 3]}\n")
                .ok());
        const RunOutcome outcome = scene.run();
        QCOMPARE(outcome.state, RunState::Failed);
        QCOMPARE(outcome.error->code, ErrorCode::BadData);
        QCOMPARE(
            outcome.error->message,
            std::string("1 row holds an id that is none of the base's 64 ids: train row 41 has "
                        "the token id 200."));
        QCOMPARE(scene.counts->prepare.load(), 0);
        QCOMPARE(scene.counts->accumulate.load(), 0);
    }

    void loss_that_is_no_number_is_skipped_and_told() {
        Scene scene;
        scene.script->not_finite_from = 3;
        scene.script->not_finite_until = 4;
        const RunOutcome outcome = scene.run("batch: {max_steps: 6}\n");
        QVERIFY(outcome.state == RunState::Finished);
        const auto steps = scene.told.all<StepMetrics>();
        QVERIFY(steps[2].skipped && steps[3].skipped && !steps[4].skipped);
        QVERIFY(scene.told.has_log("Step 3 was not applied"));
        QVERIFY(scene.told.has_log("train:"));  // the step's samples are named
        QVERIFY(event_json({"aa11", 0, steps[2]}).find("\"loss\":null") != std::string::npos);
    }

    void three_strikes_end_the_run() {
        Scene scene;
        scene.script->not_finite_from = 3;
        scene.script->not_finite_until = 100;
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY(outcome.error->code == ErrorCode::NotFinite);
        QCOMPARE(outcome.steps, int64_t{5});
        QVERIFY(scene.has_adapter());
    }

    void missing_data_is_told_with_its_name() {
        Scene scene;
        std::filesystem::remove(scene.place.folder() / "train.jsonl");
        const RunOutcome outcome = scene.run();
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY2(outcome.error->text().find("train.jsonl") != std::string::npos,
                 outcome.error->text().c_str());
        QCOMPARE(scene.counts->prepare.load(), 0);
    }

    void full_disk_fails_the_run_and_loses_nothing() {
        Scene scene;
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        ::getrlimit(RLIMIT_FSIZE, &before);
        scene.script->on_accumulate = [&](int call) {
            const rlimit full{.rlim_cur = 1, .rlim_max = before.rlim_max};
            if (call == 9) ::setrlimit(RLIMIT_FSIZE, &full);
        };
        const RunOutcome outcome = scene.run("eval: {every: {steps: 4}}\n");
        ::setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY2(outcome.error->code == ErrorCode::DiskFull, outcome.error->text().c_str());
        // The adapter of step 8 is whole, under both of its names.
        QVERIFY(scene.has_adapter());
        const auto size = std::filesystem::file_size(scene.run_folder() /
                                                     "checkpoints/best/adapter_model.safetensors");
        QVERIFY(size > 1);
        // With room again, the records that waited are written.
        QVERIFY(scene.project->store().flush().ok());
        const auto record = scene.project->query()->run("aa11");
        QVERIFY(record->state == RunState::Failed);
        QVERIFY(record->last_step >= 8);
        QVERIFY(scene.run("", "bb22").state == RunState::Finished);
    }

    void kill_in_mid_run_loses_nothing_saved() {
        DAYRUN_NEEDS_FORK();
        TempProject place;
        const pid_t child = ::fork();
        if (child == 0) {
            auto script = std::make_shared<FakeScript>();
            const auto project = place.open().value();
            script->on_accumulate = [&](int call) {
                if (call == 12) project->store().flush().ok() ? ::kill(::getpid(), SIGKILL) : 0;
            };
            RunControl control;
            Recorder told;
            RunOrder order;
            order.recipe = place.recipe("eval: {every: {steps: 4}}\n").value();
            order.run_id = "aa11";
            RunSession(*project, fake_engine_factory(script), control, told).run(order);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        QVERIFY(WIFSIGNALED(status));
        const auto project = place.open();
        QVERIFY2(project.ok(), project.ok() ? "" : project.error().text().c_str());
        const auto query = (*project)->query();
        const auto record = query->run("aa11");
        QVERIFY(record->interrupted);
        QCOMPARE(query->steps("aa11")->size(), size_t{11});
        QCOMPARE(query->evals("aa11", "all")->size(), size_t{2});
        QCOMPARE(record->adapter, std::string("runs/aa11/adapter"));
        QVERIFY(std::filesystem::exists((*project)->run_folder("aa11") /
                                        "adapter/adapter_model.safetensors"));
        QVERIFY(std::filesystem::exists((*project)->run_folder("aa11") / "recipe.yaml"));
    }

    void checkpoints_come_by_time_and_the_newest_stay() {
        Scene scene;
        Recipe recipe = scene.place.recipe("batch: {max_steps: 6}\n").value();
        recipe.checkpoint = {.every_minutes = 1e-7, .keep = 2};
        const RunOutcome outcome = scene.run(recipe);
        QVERIFY2(outcome.state == RunState::Finished,
                 outcome.error ? outcome.error->text().c_str() : "");
        QCOMPARE(scene.counts->save_state.load(), 6);
        const auto folder = scene.run_folder() / "checkpoints";
        QVERIFY(std::filesystem::exists(folder / "step-00000006/progress.json"));
        QVERIFY(std::filesystem::exists(folder / "step-00000005/state.txt"));
        QVERIFY(!std::filesystem::exists(folder / "step-00000004"));
    }

    void frozen_recipe_reads_back_and_does_not_depend_on_its_place() {
        Scene scene;
        scene.run("batch: {max_steps: 1}\n");
        const auto frozen = read_recipe(scene.run_folder() / "recipe.yaml");
        QVERIFY2(frozen.ok(), frozen.ok() ? "" : frozen.error().text().c_str());
        QCOMPARE(frozen->data[0].path, (scene.place.folder() / "train.jsonl").string());
        QVERIFY(std::filesystem::path(frozen->base.path).is_absolute());
    }

    void same_recipe_gives_bit_equal_losses_also_after_another_run() {
        Scene alone;
        alone.run("batch: {gradient_accumulation_steps: 2}\n");
        Scene after;
        Recipe other = after.place.recipe("batch: {max_steps: 3}\n").value();
        other.seed = 9;
        after.run(other, "bb22");
        after.told.events.clear();
        after.run("batch: {gradient_accumulation_steps: 2}\n");
        QCOMPARE(after.told.losses(), alone.told.losses());
    }

    void window_and_batch_give_the_same_losses() {
        const std::string more = "batch: {gradient_accumulation_steps: 2, epochs: 2}\n";
        Scene batch;
        batch.run(more);
        Scene window;
        RunThread thread(*window.project, window.factory, window.told);
        RunOrder order;
        order.recipe = window.place.recipe(more).value();
        const auto started = thread.start(order);
        QVERIFY(started.ok());
        QVERIFY(!thread.start(order).ok() || !thread.is_running());
        const auto outcome = thread.wait();
        QVERIFY(outcome->state == RunState::Finished);
        QCOMPARE(outcome->run_id, *started);
        QCOMPARE(window.told.losses(), batch.told.losses());
    }

    void thread_stops_and_runs_again() {
        Scene scene;
        scene.script->sleep_ms = 5;
        RunThread thread(*scene.project, scene.factory, scene.told);
        RunOrder order;
        order.recipe = scene.place.recipe("batch: {epochs: 100}\n").value();
        QVERIFY(thread.start(order).ok());
        QVERIFY(!thread.start(order).ok());
        QTRY_VERIFY_WITH_TIMEOUT(scene.counts->accumulate.load() >= 3, 60'000);
        thread.request(RunRequest::StopAtCheckpoint);
        QVERIFY(thread.wait()->state == RunState::Stopped);
        order.recipe = scene.place.recipe("batch: {max_steps: 2}\n").value();
        QVERIFY(thread.start(order).ok());
        QVERIFY(thread.wait()->state == RunState::Finished);
    }

    void budget_ends_the_run_with_validation_and_save() {
        Scene scene;
        scene.script->sleep_ms = 20;
        Recipe recipe = scene.place.recipe("batch: {epochs: 50}\n").value();
        recipe.budget.max_hours = 1e-4;
        const RunOutcome outcome = scene.run(recipe);
        QVERIFY(outcome.state == RunState::Finished);
        QVERIFY(outcome.steps < 2000);
        QVERIFY(scene.told.has_log("The budget of"));
        QVERIFY(!scene.told.all<EvalMetrics>().empty());
        QVERIFY(scene.has_adapter());
    }
};

DAYRUN_TEST(TestRunSession)
#include "test_run_session.moc"
