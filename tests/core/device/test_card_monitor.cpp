// What a card tells through NVML, with a stand-in for the library: figures, their words, and that
// what is not told stays empty. The library is opened once per process, so one stand-in serves all.
#include <QTest>

#include "core/device/card_monitor.h"
#include "tests/core/run/run_scene.h"
#include "tests/support/fake_cuda/fake_driver.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

class TestCardMonitor : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void initTestCase() { qputenv("DAYRUN_NVML", DAYRUN_FAKE_NVML); }
    void cleanupTestCase() { qunsetenv("DAYRUN_NVML"); }

    void reads_what_the_card_tells() {
        const auto monitor = CardMonitor::open("00000000:01:00.0");
        QVERIFY(monitor);
        const CardReading reading = monitor->read();
        QCOMPARE(*reading.used_bytes, int64_t{20} << 30);
        QCOMPARE(*reading.utilization_percent, 98);
        QCOMPARE(*reading.power_w, 412.345);
        QVERIFY(!reading.power_limit_w);
        QCOMPARE(*reading.temperature_c, 61);
        QCOMPARE(*reading.core_clock_mhz, 1980);
        QCOMPARE(*reading.memory_clock_mhz, 3201);
        QCOMPARE(to_text(reading),
                 std::string("20.0 GiB of 80.0 GiB used, 61 °C, 412 W, 98 % busy, 1980 MHz"));
        QCOMPARE(to_text(CardReading{}), std::string());
    }

    void a_run_on_the_card_tells_it_once_a_minute() {
        QVERIFY(load_fake_driver());
        qputenv("DAYRUN_CUDA_PLUGIN", DAYRUN_FAKE_CUDA_PLUGIN);
        qputenv("DAYRUN_FAKE_CUDA", "card");
        Scene scene;
        const RunOutcome outcome = scene.go({.recipe = scene.place.recipe().value(),
                                             .run_id = "aa11",
                                             .device = {.kind = DeviceKind::Cuda}});
        qunsetenv("DAYRUN_CUDA_PLUGIN");
        qunsetenv("DAYRUN_FAKE_CUDA");
        QVERIFY(outcome.state == RunState::Finished);
        std::vector<std::string> told;
        for (const LogLine& line : scene.told.all<LogLine>()) {
            if (line.message.starts_with("The card: ")) told.push_back(line.message);
        }
        QCOMPARE(told.size(), size_t{1});  // the run takes no minute
        QCOMPARE(told[0],
                 "The card: 20.0 GiB of 80.0 GiB used, 61 °C, 412 W, 98 % busy, 1980 MHz.");
        QVERIFY(scene.told.all<StepMetrics>().size() > 1);
        Scene on_the_cpu;
        QVERIFY(on_the_cpu.run().state == RunState::Finished);
        QVERIFY(!on_the_cpu.told.has_log("The card: "));
    }

    void another_card_is_no_monitor() { QVERIFY(!CardMonitor::open("00000000:09:00.0")); }
};

DAYRUN_TEST(TestCardMonitor)
#include "test_card_monitor.moc"
