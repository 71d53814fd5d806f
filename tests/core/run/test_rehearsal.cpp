// What may refuse a run before its first step: the memory that the rehearsal measured, and the disk
// that the checkpoints will take. Both say the figures; neither leaves a trained step behind.
#include <QTest>

#include "tests/core/run/run_scene.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

class TestRehearsal : public QObject {
    Q_OBJECT

    static void check_refused(const char* settings, ErrorCode code, const char* sentence) {
        Scene scene;
        const RunOutcome outcome = scene.run(settings);
        QVERIFY(outcome.state == RunState::Failed);
        QVERIFY(outcome.error.has_value());
        QCOMPARE(outcome.error->code, code);
        QVERIFY2(outcome.error->message.find(sentence) != std::string::npos,
                 outcome.error->message.c_str());
        QVERIFY(!outcome.error->hint.empty());
        QVERIFY(scene.told.all<StepMetrics>().empty());
        QVERIFY(!scene.has_adapter());
    }

  private Q_SLOTS:
    // The FakeEngine holds a mebibyte and needs two at its peak.
    void a_measured_peak_over_the_budget_is_refused() {
        check_refused("budget: {max_device_bytes: 1.5MiB}\n", ErrorCode::OutOfHostMemory,
                      "takes 2.00 MiB of memory, and the budget is 1.50 MiB");
    }

    void a_budget_that_holds_it_is_not() {
        Scene scene;
        QVERIFY(scene.run("budget: {max_device_bytes: 2MiB}\n").state == RunState::Finished);
        QVERIFY(scene.told.has_log("Rehearsal: "));
    }

    void a_card_that_is_short_is_rehearsed_leaner() {
        Scene plain, scene;
        QVERIFY(plain.run().state == RunState::Finished);
        scene.script->rehearses_after = 2;
        scene.script->leaner_plans = 3;
        QVERIFY(scene.run().state == RunState::Finished);
        QCOMPARE(scene.counts->rehearse.load(), 3);
        QVERIFY(scene.told.has_log("tried again with more recomputation"));
        QVERIFY(scene.told.losses() == plain.told.losses());
        Scene hopeless;
        hopeless.script->rehearses_after = 2;
        hopeless.script->leaner_plans = 1;
        const RunOutcome outcome = hopeless.run();
        QVERIFY(outcome.state == RunState::Failed);
        QCOMPARE(outcome.error->code, ErrorCode::OutOfGpuMemory);
    }

    // Checkpoints of 1,100 bytes, of which two and the adapters stay.
    void checkpoints_over_the_disk_budget_are_refused() {
        check_refused("budget: {max_disk_bytes: 1000B}\n", ErrorCode::DiskFull,
                      "and the budget is 1000 B");
        Scene scene;
        QVERIFY(scene.run("budget: {max_disk_bytes: 1MiB}\n").state == RunState::Finished);
    }

    void nothing_is_rehearsed_for_a_disk_that_is_too_small() {
        Scene scene;
        QVERIFY(scene.run("budget: {max_disk_bytes: 1000B}\n").state == RunState::Failed);
        QCOMPARE(scene.counts->rehearse.load(), 0);
    }
};

DAYRUN_TEST(TestRehearsal)
#include "test_rehearsal.moc"
