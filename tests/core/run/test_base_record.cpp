// A run goes on over the base that it began with or not at all; what older versions left without a
// record goes on with a line.
#include <QTest>

#include "core/run/resume/base_record.h"
#include "core/run/resume/continue_queue.h"
#include "core/run/resume/resume_point.h"
#include "core/run/run_files.h"
#include "tests/core/run/run_scene.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

const std::string kMore =
    "batch: {micro_batch_size: 2, gradient_accumulation_steps: 3, epochs: 2}\n";

/// A run that was stopped in its third step.
struct StoppedScene : Scene {
    StoppedScene() {
        script->on_accumulate = [&](int call) {
            if (call == 8) control->request(RunRequest::StopAtCheckpoint);
        };
        run(kMore);
        script->on_accumulate = {};
    }
    std::filesystem::path point() const { return RunFiles(run_folder()).resume_points().at(0); }
};

}  // namespace

class TestBaseRecord : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void another_base_is_refused_before_a_step() {
        StoppedScene scene;
        const int applied = scene.counts->apply_step;
        scene.script->base = "b";
        const RunOutcome refused = scene.go_on(kMore);
        QCOMPARE(refused.state, RunState::Failed);
        QVERIFY(refused.error->code == ErrorCode::BadModel);
        QCOMPARE(refused.error->message,
                 std::string("The base model of run aa11 has changed since it began: 1 of 1 tensor "
                             "differs, the first is lm_head.weight."));
        QCOMPARE(scene.counts->apply_step.load(), applied);
        scene.script->base = "a";
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
    }

    // Nothing was saved yet: it would begin again, under the same id, with another base.
    void another_base_is_refused_without_a_resume_point() {
        StoppedScene scene;
        std::filesystem::remove_all(scene.point());
        scene.script->base = "b";
        QCOMPARE(scene.go_on(kMore).state, RunState::Failed);
    }

    void the_seal_counts_when_the_record_is_lost() {
        StoppedScene scene;
        QVERIFY(std::filesystem::remove(scene.run_folder() / "base.json"));
        scene.script->base = "b";
        const RunOutcome refused = scene.go_on(kMore);
        QCOMPARE(refused.state, RunState::Failed);
        QVERIFY2(refused.error->message.find("has changed since it began.") != std::string::npos,
                 refused.error->text().c_str());
        scene.script->base = "a";
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
        QVERIFY(std::filesystem::exists(scene.run_folder() / "base.json"));
    }

    void a_damaged_record_stops_no_sealed_run() {
        StoppedScene scene;
        QVERIFY(write_file(scene.run_folder() / "base.json", "{\"format\": 1, \"con").ok());
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
        const auto recorded = recorded_base(scene.run_folder() / "base.json", "");
        QVERIFY(recorded.ok() && recorded->base);
    }

    void points_of_older_versions_go_on_with_a_line() {
        StoppedScene scene;
        const auto point = read_resume_point(scene.point());
        QVERIFY(point.ok() && !point->fingerprint.base_sha256.empty());
        RunFingerprint older = point->fingerprint;
        older.base_sha256.clear();
        QVERIFY(seal_resume_point(point->folder, point->progress, older).ok());
        QVERIFY(std::filesystem::remove(scene.run_folder() / "base.json"));
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
        QVERIFY(scene.told.has_log("Whether the base is still the same is not known"));
    }

    // The same files, read by another tokenizer or template.
    void other_tokens_of_the_same_data_are_refused() {
        StoppedScene scene;
        const auto point = read_resume_point(scene.point());
        QVERIFY(point.ok() && !point->fingerprint.tokens_sha256.empty());
        RunFingerprint other = point->fingerprint;
        other.tokens_sha256[0] = other.tokens_sha256[0] == '0' ? '1' : '0';
        QVERIFY(seal_resume_point(point->folder, point->progress, other).ok());
        const RunOutcome refused = scene.go_on(kMore);
        QCOMPARE(refused.state, RunState::Failed);
        QVERIFY2(refused.error->message.find("The tokens of run aa11 are others") == 0,
                 refused.error->text().c_str());
        // A point of an older version says nothing of them.
        other.tokens_sha256.clear();
        QVERIFY(seal_resume_point(point->folder, point->progress, other).ok());
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
    }

    // The adapter that it started from may be another by now: the point has its own.
    void a_continued_run_starts_from_its_point() {
        Scene scene;
        const std::string more = kMore + "adapter: {init_from: start}\n";
        scene.script->on_accumulate = [&](int call) {
            if (call == 8) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        std::vector<std::string> started;
        scene.script->on_prepare = [&](const Recipe& recipe) {
            started.push_back(recipe.adapter.init_from);
        };
        scene.run(more);
        scene.script->on_accumulate = {};
        const auto point = RunFiles(scene.run_folder()).resume_points().at(0);
        QCOMPARE(scene.go_on(more).state, RunState::Finished);
        QCOMPARE(started.size(), size_t{2});
        QVERIFY(started[0].ends_with("/start"));
        QCOMPARE(started[1], point.string());
    }

    // Its only point lost its seal: told, and begun again as the same run.
    void a_run_without_a_sealed_point_is_not_passed_over() {
        StoppedScene scene;
        QVERIFY(std::filesystem::remove(scene.point() / "progress.json"));
        std::vector<QueueItem> items(1);
        items[0].recipe = scene.place.recipe(kMore).value();
        items[0].run_id = "bb22";
        QVERIFY(match_interrupted(*scene.project, items).ok());
        QVERIFY(items[0].resumes && items[0].run_id == "aa11");
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
        QVERIFY(scene.told.has_log("is no resume point"));
    }

    // Killed while its data were compiled: no base was loaded, and none is missing.
    void a_run_that_never_loaded_a_base_goes_on_in_silence() {
        StoppedScene scene;
        std::filesystem::remove_all(scene.point());
        QVERIFY(std::filesystem::remove(scene.run_folder() / "base.json"));
        QCOMPARE(scene.go_on(kMore).state, RunState::Finished);
        QVERIFY(!scene.told.has_log("Whether the base"));
    }
};

DAYRUN_TEST(TestBaseRecord)
#include "test_base_record.moc"
