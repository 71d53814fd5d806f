// The writer thread: nothing is lost, a full disk is told and survived, every event finds its
// table.
#include <sys/resource.h>

#include <QTest>
#include <cmath>
#include <csignal>
#include <limits>

#include "core/base/atomic_file.h"
#include "core/records/run_query.h"
#include "core/records/run_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::TempFolder;

namespace {

NewRun a_run(const std::string& run_id, const std::string& name, double started_at = 100) {
    NewRun run;
    run.record.run_id = run_id;
    run.record.name = name;
    run.record.state = RunState::Preparing;
    run.record.recipe_yaml = "dayrun: 1\n";
    run.record.started_at = started_at;
    run.settings = {{"adapter.lora_rank", "8"}, {"base.path", "/models/tiny"}};
    return run;
}

RunEvent an_event(RunEventBody body, double at = 101) {
    return {.run_id = "aa11", .at = at, .body = std::move(body)};
}

RunEvent a_step(int64_t step, double loss) {
    return an_event(StepMetrics{.step = step, .loss = loss, .target_tokens = 10});
}

// While it lives, no file of this process can grow beyond `bytes`: a full disk without a disk.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &m_before);
        const rlimit lowered{.rlim_cur = bytes, .rlim_max = m_before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &lowered);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &m_before); }

  private:
    rlimit m_before{};
};

}  // namespace

class TestRunStore : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void every_event_finds_its_table() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        QVERIFY2(store.ok(), store.ok() ? "" : store.error().text().c_str());
        RunStore& records = **store;
        records.append(a_run("aa11", "first"));
        records.append(RunFacts{.run_id = "aa11", .data_sha256 = "dd", .total_steps = 12});
        records.append(an_event(StateChanged{RunState::Training}));
        StepMetrics step{.step = 1,
                         .epoch = 0.25,
                         .loss = 2.3071,
                         .loss_z = 0.5,
                         .grad_norm = 1.18,
                         .learning_rate = 1e-4,
                         .target_tokens = 812,
                         .slot_tokens = 2048,
                         .tokens_per_second = 1510.2,
                         .step_ms = 5.5,
                         .data_wait_ms = 0.25,
                         .device_bytes_peak = 1 << 20,
                         .wall_s = 3,
                         .device_s = 2,
                         .eta_s = 60,
                         .skipped = true};
        records.append(an_event(step));
        records.append(an_event(EvalMetrics{
            .step = 1, .epoch = 0.25, .source_id = "gsm8k", .loss = 2.5, .target_tokens = 9}));
        records.append(an_event(EvalMetrics{
            .step = 1, .epoch = 0.25, .source_id = "all", .loss = 2.25, .target_tokens = 30}));
        records.append(an_event(CheckpointSaved{1, "runs/aa11/checkpoints/best", 77, "best"}));
        records.append(an_event(SampleGenerated{1, "A haiku", "rain"}));
        records.append(an_event(LogLine{"warning", "Something's odd; 'quoted'."}));
        records.append(SourceTokens{"aa11", 1, {{"gsm8k", 812}}});
        records.append(Artifact{"aa11", "report", "runs/aa11/report.md", 12});
        records.append(an_event(RunFinished{.state = RunState::Finished,
                                            .best_eval_loss = 2.25,
                                            .best_step = 1,
                                            .adapter = "runs/aa11/adapter",
                                            .exports = {}},
                                200));
        const auto flushed = records.flush();
        QVERIFY2(flushed.ok(), flushed.ok() ? "" : flushed.error().text().c_str());

        const auto query = RunQuery::open(folder / "project.sqlite");
        QVERIFY(query.ok());
        const auto run = query->run("aa11");
        QVERIFY2(run.ok(), run.ok() ? "" : run.error().text().c_str());
        QVERIFY(run->state == RunState::Finished);
        QCOMPARE(run->data_sha256, std::string("dd"));
        QCOMPARE(run->total_steps, int64_t{12});
        QCOMPARE(run->best_eval_loss, 2.25);
        QCOMPARE(run->finished_at, 200.0);
        QCOMPARE(run->adapter, std::string("runs/aa11/adapter"));
        QCOMPARE(run->last_loss, 2.3071);
        const auto steps = query->steps("aa11");
        QCOMPARE(steps->size(), size_t{1});
        const StepMetrics& read = steps->front();
        QCOMPARE(read.step, step.step);
        QCOMPARE(read.epoch, step.epoch);
        QCOMPARE(read.loss, step.loss);
        QCOMPARE(read.loss_z, step.loss_z);
        QCOMPARE(read.grad_norm, step.grad_norm);
        QCOMPARE(read.learning_rate, step.learning_rate);
        QCOMPARE(read.target_tokens, step.target_tokens);
        QCOMPARE(read.slot_tokens, step.slot_tokens);
        QCOMPARE(read.tokens_per_second, step.tokens_per_second);
        QCOMPARE(read.step_ms, step.step_ms);
        QCOMPARE(read.data_wait_ms, step.data_wait_ms);
        QCOMPARE(read.device_bytes_peak, step.device_bytes_peak);
        QCOMPARE(read.wall_s, step.wall_s);
        QCOMPARE(read.device_s, step.device_s);
        QCOMPARE(read.eta_s, step.eta_s);
        QCOMPARE(read.skipped, step.skipped);
        QCOMPARE(query->evals("aa11")->size(), size_t{2});
        QCOMPARE(query->evals("aa11", "gsm8k")->front().loss, 2.5);
        QCOMPARE(query->checkpoints("aa11")->front().checkpoint.kind, std::string("best"));
        QCOMPARE(query->samples("aa11")->front().sample.text, std::string("rain"));
        QCOMPARE(query->log("aa11")->size(), size_t{3});
        QCOMPARE(query->log("aa11", 2)->front().message, std::string("Something's odd; 'quoted'."));
        QCOMPARE(query->settings("aa11")->size(), size_t{2});
    }

    void not_a_number_comes_back_as_such() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        (*store)->append(a_run("aa11", "first"));
        (*store)->append(a_step(1, std::numeric_limits<double>::quiet_NaN()));
        QVERIFY((*store)->flush().ok());
        const auto query = RunQuery::open(folder / "project.sqlite");
        QVERIFY(std::isnan(query->steps("aa11")->front().loss));
        QVERIFY(std::isnan(query->run("aa11")->best_eval_loss));
    }

    void nothing_is_lost_when_the_ring_is_full() {
        const TempFolder folder;
        constexpr int64_t kSteps = static_cast<int64_t>(RunStore::kCapacity) + 20'000;
        {
            const auto store = RunStore::open(folder / "project.sqlite");
            (*store)->append(a_run("aa11", "first"));
            for (int64_t step = 1; step <= kSteps; ++step) (*store)->append(a_step(step, 1.0));
            // Without a flush: closing must write the rest.
        }
        const auto query = RunQuery::open(folder / "project.sqlite");
        QCOMPARE(query->run("aa11")->last_step, kSteps);
        QCOMPARE(static_cast<int64_t>(query->steps("aa11")->size()), kSteps);
    }

    void full_disk_is_told_and_nothing_is_lost() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        (*store)->append(a_run("aa11", "first"));
        (*store)->append(a_step(1, 2.0));
        QVERIFY((*store)->flush().ok());
        {
            const FullDisk full(1);
            for (int64_t step = 2; step <= 500; ++step) (*store)->append(a_step(step, 2.0));
            const auto flushed = (*store)->flush();
            QVERIFY(!flushed.ok());
            QVERIFY2(flushed.error().code == ErrorCode::DiskFull, flushed.error().text().c_str());
            QVERIFY(flushed.error().message.find("cannot be written") != std::string::npos);
            QVERIFY(!(*store)->health().ok());
            const auto query = RunQuery::open(folder / "project.sqlite");
            QVERIFY2(query.ok(), query.ok() ? "" : query.error().text().c_str());
            QCOMPARE(query->run("aa11")->last_step, int64_t{1});
        }
        const auto later = (*store)->flush();
        QVERIFY2(later.ok(), later.ok() ? "" : later.error().text().c_str());
        QVERIFY((*store)->health().ok());
        const auto query = RunQuery::open(folder / "project.sqlite");
        QCOMPARE(query->run("aa11")->last_step, int64_t{500});
    }

    void fault_of_ours_does_not_hold_the_others() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        (*store)->append(a_run("aa11", "first"));
        (*store)->append(RunEvent{.run_id = "nobody", .at = 1, .body = LogLine{"info", "lost"}});
        (*store)->append(a_step(1, 2.0));
        QVERIFY(!(*store)->flush().ok());
        const auto query = RunQuery::open(folder / "project.sqlite");
        QCOMPARE(query->run("aa11")->last_step, int64_t{1});
    }

    void runs_are_found_by_id_beginning_and_name() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        (*store)->append(a_run("aa11", "first", 100));
        (*store)->append(a_run("aa22", "second", 200));
        (*store)->append(a_run("bb33", "second", 300));
        (*store)->append(RunRenamed{"aa11", "renamed"});
        QVERIFY((*store)->flush().ok());
        const auto query = RunQuery::open(folder / "project.sqlite");
        QCOMPARE(query->runs()->front().run_id, std::string("bb33"));
        QCOMPARE(query->run("bb")->run_id, std::string("bb33"));
        QCOMPARE(query->run("second")->run_id, std::string("bb33"));
        QCOMPARE(query->run("renamed")->run_id, std::string("aa11"));
        QVERIFY(query->run("aa").error().code == ErrorCode::BadUsage);
        QVERIFY(query->run("zz").error().code == ErrorCode::FileMissing);
        QVERIFY(query->run("").error().code == ErrorCode::FileMissing);
    }

    void measured_speed_is_the_median_of_warm_steps() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        NewRun run = a_run("aa11", "first");
        run.record.device_name = "CPU";
        (*store)->append(run);
        const double speeds[] = {1, 2, 90, 100, 110, 5000, 95};
        int64_t step = 0;
        for (const double speed : speeds) {
            (*store)->append(an_event(StepMetrics{.step = ++step, .tokens_per_second = speed}));
        }
        QVERIFY((*store)->flush().ok());
        const auto query = RunQuery::open(folder / "project.sqlite");
        QCOMPARE(query->measured_tokens_per_second("/models/tiny", "CPU").value_or(0), 100.0);
        QVERIFY(!query->measured_tokens_per_second("/models/tiny", "GPU"));
        QVERIFY(!query->measured_tokens_per_second("/models/other", "CPU"));
    }
};

DAYRUN_TEST(TestRunStore)
#include "test_run_store.moc"
