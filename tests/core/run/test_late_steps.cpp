// Runs on a device that works behind its caller: steps are told one later, and nothing else about
// the run differs; and on one that is short of memory: the step is done again, whole, under a
// leaner plan.
#include <QTest>

#include "tests/core/run/run_scene.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

constexpr const char* kSettings =
    "batch: {gradient_accumulation_steps: 2, max_steps: 11}\n"
    "eval: {every: {steps: 4}}\n"
    "schedule: {kind: linear, warmup_steps: 3}\n";

/// What a listener sees, without times.
std::vector<std::string> story(const Recorder& told) {
    std::vector<std::string> lines;
    for (const RunEvent& event : told.events) {
        if (const auto* step = std::get_if<StepMetrics>(&event.body)) {
            lines.push_back(QString("step %1 %2 %3 %4")
                                .arg(step->step)
                                .arg(step->loss, 0, 'g', 17)
                                .arg(step->learning_rate, 0, 'g', 17)
                                .arg(step->epoch)
                                .toStdString());
        } else if (const auto* eval = std::get_if<EvalMetrics>(&event.body)) {
            lines.push_back(QString("eval %1 %2").arg(eval->step).arg(eval->loss).toStdString());
        } else if (const auto* saved = std::get_if<CheckpointSaved>(&event.body)) {
            lines.push_back("saved " + std::to_string(saved->step) + " " + saved->kind);
        }
    }
    return lines;
}

}  // namespace

class TestLateSteps : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void a_device_behind_tells_the_same_story() {
        Scene at_once, behind;
        behind.script->steps_behind = 1;
        QVERIFY(at_once.run(kSettings).state == RunState::Finished);
        QVERIFY(behind.run(kSettings).state == RunState::Finished);
        QVERIFY(story(at_once.told).size() > 14);
        QVERIFY(story(at_once.told) == story(behind.told));
    }

    void a_skipped_step_is_told_all_the_same() {
        Scene scene;
        scene.script->steps_behind = 1;
        scene.script->not_finite_from = scene.script->not_finite_until = 3;
        QVERIFY(scene.run(kSettings).state == RunState::Finished);
        const auto steps = scene.told.all<StepMetrics>();
        QCOMPARE(steps.size(), size_t{11});
        QVERIFY(steps[2].skipped && !steps[3].skipped);
        QVERIFY(scene.told.has_log("Step 3 was not applied"));
    }

    void a_request_is_answered_with_every_step_told() {
        Scene scene;
        scene.script->steps_behind = 1;
        scene.script->on_accumulate = [&](int call) {
            if (call == 6) scene.control->request(RunRequest::StopAtCheckpoint);
        };
        QVERIFY(scene.run(kSettings).state == RunState::Stopped);
        QCOMPARE(scene.counts->accumulate.load(), 6);
        QCOMPARE(static_cast<int>(scene.told.all<StepMetrics>().size()),
                 scene.counts->apply_step.load());
    }

    void short_of_memory_goes_on_leaner() {
        Scene undisturbed, scene;
        QVERIFY(undisturbed.run(kSettings).state == RunState::Finished);
        scene.script->short_of_memory_from = 8;
        scene.script->leaner_plans = 2;
        QVERIFY(scene.run(kSettings).state == RunState::Finished);
        QCOMPARE(scene.counts->make_leaner.load(), 2);
        QVERIFY(scene.told.has_log("tried again with more recomputation"));
        QVERIFY(scene.told.losses() == undisturbed.told.losses());
    }

    void short_of_memory_under_the_leanest_plan_fails() {
        Scene scene;
        scene.script->steps_behind = 1;
        scene.script->short_of_memory_from = 8;
        const RunOutcome outcome = scene.run(kSettings);
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY(outcome.error && outcome.error->code == ErrorCode::OutOfGpuMemory);
        QVERIFY(scene.has_adapter());  // of the steps before
        QCOMPARE(static_cast<int>(scene.told.all<StepMetrics>().size()),
                 scene.counts->apply_step.load());
    }
};

DAYRUN_TEST(TestLateSteps)
#include "test_late_steps.moc"
