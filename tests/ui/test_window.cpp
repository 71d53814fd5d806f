// The window as a person uses it, offscreen and with an engine that pretends: a run is started,
// its points arrive, it is stopped; the project is reopened and two runs are compared.
#include <QAction>
#include <QCheckBox>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>

#include "core/device/cuda_probe.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/bridge/card_watch.h"
#include "ui/bridge/run_controller.h"
#include "ui/charts/chart_view.h"
#include "ui/forms/setting_editor.h"
#include "ui/forms/setting_form.h"
#include "ui/models/run_table_model.h"
#include "ui/models/setting_diff_model.h"
#include "ui/shell/main_window.h"
#include "ui/stages/compare/compare_stage.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/plan/plan_stage.h"
#include "ui/stages/plan/preflight_sheet.h"
#include "ui/stages/run/card_charts.h"
#include "ui/stages/run/run_charts.h"
#include "ui/stages/run/run_stage.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

class TestWindow : public QObject {
    Q_OBJECT

  private:
    // Through the sheet, as a person starts: waits for the checks, ticks the warnings, presses.
    static bool startRun(MainWindow& window) {
        if (!waitFor([&] { return window.planStage()->startButton()->isEnabled(); })) return false;
        window.action(QStringLiteral("run.start"))->trigger();
        PreflightSheet* sheet = nullptr;
        if (!waitFor([&] {
                sheet = window.findChild<PreflightSheet*>();
                return sheet != nullptr;
            })) {
            return false;
        }
        auto* tick = sheet->findChild<QCheckBox*>();
        const bool ready = waitFor([&] {
            if (tick->isVisible()) tick->setChecked(true);
            return sheet->startButton()->isEnabled();
        });
        if (!ready) return false;
        QTest::mouseClick(sheet->startButton(), Qt::LeftButton);
        return waitFor([&] { return window.runs()->isRunning(); });
    }

  private Q_SLOTS:
    void startsWatchesStopsReopensCompares() {
        const TempFolder folder;
        makeProject(folder.path());
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        window.show();
        LoopWatch watch;
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));

        watch.note("opened");
        QVERIFY2(startRun(window), qPrintable(window.planStage()->statusText()));
        watch.note("started");
        QCOMPARE(window.currentStage(), StageId::Run);
        RunCharts* charts = window.runStage()->charts();
        QVERIFY(waitFor([&] { return charts->pointCount() >= 30; }));
        const auto& steps = window.runs()->current()->steps;
        for (size_t i = 0; i < steps.size(); ++i) {
            QCOMPARE(steps[i].step, static_cast<int64_t>(i) + 1);
        }
        QVERIFY(waitFor([&] { return charts->lossChart()->pointCount(2) > 0; }));
        watch.note("watched");
        QTest::mouseClick(window.runStage()->stopButton(), Qt::LeftButton, {},
                          QPoint(10, window.runStage()->stopButton()->height() / 2));
        QVERIFY(waitFor([&] { return !window.runs()->isRunning(); }));
        QCOMPARE(window.runs()->current()->state, core::RunState::Stopped);
        watch.note("stopped");

        // A second run with another rank, ended by Finish now.
        SettingEditor* rank =
            window.planStage()->basicForm()->editor(QStringLiteral("adapter.lora_rank"));
        Q_EMIT rank->edited(rank->key(), QStringLiteral("16"));
        QCOMPARE(window.document()->recipe().adapter.lora_rank, 16);
        QVERIFY(startRun(window));
        // The first run's recipe is frozen: the edit shows in the second only.
        QCOMPARE(window.runs()->current()->recipe.adapter.lora_rank, 16);
        QVERIFY(waitFor([&] { return charts->pointCount() >= 30; }));
        window.action(QStringLiteral("run.finish"))->trigger();
        QVERIFY(waitFor([&] { return !window.runs()->isRunning(); }));
        QCOMPARE(window.runs()->current()->state, core::RunState::Finished);

        watch.note("second run");
        QVERIFY(window.document()->save().ok());
        window.closeProject();
        watch.note("closed");
        QVERIFY(window.document() == nullptr);
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        QCOMPARE(window.document()->recipe().adapter.lora_rank, 16);
        CompareStage* compare = window.compareStage();
        QVERIFY(waitFor([&] { return compare->comparedCount() == 2; }));
        // Stage Run shows the last run again, with all its points.
        QVERIFY(waitFor([&] { return window.runs()->current() != nullptr; }));
        QCOMPARE(window.runs()->current()->recipe.adapter.lora_rank, 16);
        QVERIFY(window.runStage()->charts()->pointCount() >= 30);
        QCOMPARE(compare->runs().rowCount(), 2);
        QCOMPARE(compare->chart()->curveCount(), 2);
        QVERIFY(compare->chart()->pointCount(0) > 0 && compare->chart()->pointCount(1) > 0);
        QStringList differing;
        for (int row = 0; row < compare->differences().rowCount(); ++row) {
            differing << compare->differences().index(row, 0).data().toString();
        }
        QVERIFY2(differing.contains(QStringLiteral("adapter.lora_rank")),
                 qPrintable(differing.join(QLatin1Char(' '))));
        QVERIFY(!differing.contains(QStringLiteral("optimizer.learning_rate")));
        qInfo("longest time without an event: %lld ms",
              static_cast<long long>(watch.longestGapMs()));
        QVERIFY2(watch.longestGapMs() < 500, "the event loop was blocked");
    }

    void parksAndContinuesTheSameRun() {
        const TempFolder folder;
        makeProject(folder.path(), 3);
        MainWindow window(optionsWith(fakeEngine(20)), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        QAction* go_on = window.action(QStringLiteral("run.continue"));
        QVERIFY(!go_on->isEnabled());
        QVERIFY(startRun(window));
        QVERIFY(!go_on->isEnabled());
        const QString run_id = window.runs()->current()->run_id;
        RunCharts* charts = window.runStage()->charts();
        QVERIFY(waitFor([&] { return charts->pointCount() >= 3; }));
        window.action(QStringLiteral("run.park"))->trigger();
        QVERIFY(waitFor([&] { return !window.runs()->isRunning(); }));
        QCOMPARE(window.runs()->current()->state, core::RunState::Parked);
        const size_t parked_at = window.runs()->current()->steps.size();
        QVERIFY(parked_at >= 3);

        // Also after the project was closed and opened again, from the table of runs.
        window.closeProject();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        QVERIFY(waitFor([&] { return window.compareStage()->runs().rowCount() == 1; }));
        // It is offered where the last run is shown.
        window.showStage(StageId::Run);
        QVERIFY(waitFor([&] { return window.runStage()->continueButton()->isVisible(); }));
        Q_EMIT window.compareStage()->continueRunWanted(run_id);
        QVERIFY(waitFor([&] { return window.runs()->isRunning(); }));
        QCOMPARE(window.currentStage(), StageId::Run);
        QVERIFY(waitFor([&] { return !window.runs()->isRunning(); }));
        const RunView& ended = *window.runs()->current();
        QCOMPARE(ended.run_id, run_id);
        QVERIFY2(ended.state == core::RunState::Finished, qPrintable(ended.error));
        QVERIFY(ended.steps.size() > parked_at);
        for (size_t i = 0; i < ended.steps.size(); ++i) {
            QCOMPARE(ended.steps[i].step, static_cast<int64_t>(i) + 1);
        }
        QVERIFY(!go_on->isEnabled());
        QVERIFY(!window.runStage()->continueButton()->isVisible());
    }

    void saysWhereItTrainsAndWhyNotOnACard() {
        const TempFolder folder;
        makeProject(folder.path(), 1);
        MainWindow window(optionsWith(fakeEngine(0)), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        window.showStage(StageId::Model);
        const auto* const note = window.findChild<QLabel*>(QStringLiteral("device note"));
        QVERIFY(note != nullptr && note->isVisible());
        QVERIFY(note->text().startsWith("Trains on CPU, 2 threads."));
        QVERIFY(note->text().endsWith(QString::fromStdString(core::why_no_card())));
    }

    // From a check to what it is about.
    void showsTheOffendersOfACheck() {
        const TempFolder folder;
        makeTextProject(folder.path());
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        QVERIFY(window.document()
                    ->setSetting(QStringLiteral("overlap.files"), QStringLiteral("[../eval.csv]"))
                    .ok());
        QVERIFY(waitFor([&] { return window.planStage()->startButton()->isEnabled(); }));
        window.action(QStringLiteral("run.start"))->trigger();
        QPushButton* show = nullptr;
        QVERIFY(waitFor([&] {
            auto* sheet = window.findChild<PreflightSheet*>();
            if (sheet == nullptr) return false;
            for (auto* button : sheet->findChildren<QPushButton*>()) {
                if (button->accessibleName().contains(QStringLiteral("overlap"))) show = button;
            }
            return show != nullptr;
        }));
        QTest::mouseClick(show, Qt::LeftButton);
        QCOMPARE(window.currentStage(), StageId::Data);
        QCOMPARE(window.dataStage()->page(), DataPage::Overlap);
        QVERIFY(!window.runs()->isRunning());
    }

    void keepsTheWindowAliveWhenTheEngineFails() {
        const TempFolder folder;
        makeProject(folder.path());
        const core::EngineFactory broken =
            [](const core::Device&) -> core::Result<std::unique_ptr<core::Engine>> {
            return core::Error{.code = core::ErrorCode::NoGpu,
                               .message = "There is no such device.",
                               .hint = "Use the processor."};
        };
        MainWindow window(optionsWith(broken), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        QVERIFY(startRun(window));
        QVERIFY(waitFor([&] { return !window.runs()->isRunning(); }));
        QCOMPARE(window.runs()->current()->state, core::RunState::Failed);
        QVERIFY(window.runs()->current()->error.contains(QStringLiteral("no such device")));
        QVERIFY(waitFor([&] { return window.planStage()->startButton()->isEnabled(); }));
    }

    void closingTheProjectStopsTheRunAndKeepsIt() {
        const TempFolder folder;
        makeProject(folder.path());
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        QVERIFY(startRun(window));
        QVERIFY(waitFor([&] { return window.runStage()->charts()->pointCount() >= 10; }));
        const std::string run_id = window.runs()->current()->run_id.toStdString();
        window.closeProject();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        const auto query = window.document()->project().query();
        QVERIFY(query.ok());
        const auto run = query->run(run_id);
        QVERIFY(run.ok());
        QCOMPARE(run->state, core::RunState::Stopped);
        QVERIFY(run->last_step >= 10);
        // It can be looked at again with all its points.
        window.runs()->showRecorded(QString::fromStdString(run_id));
        QVERIFY(waitFor([&] {
            return window.runStage()->charts()->pointCount() == static_cast<int>(run->last_step);
        }));
    }

    // Figures of the card are drawn while a run goes on, those that it tells and no others.
    void drawsWhatTheCardDoes() {
        class HalfDumbCard final : public core::CardMonitor {
          public:
            core::CardReading read() override {
                core::CardReading reading;
                reading.used_bytes = int64_t{7} << 30;
                reading.temperature_c = 61 + m_reads++ % 5;
                return reading;
            }

          private:
            int m_reads = 0;
        };
        const TempFolder folder;
        makeProject(folder.path());
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        window.show();
        QVERIFY(window.openProject(folder.path(), ProjectDocument::OpenAs::Existing));
        RunStage* stage = window.runStage();
        QCOMPARE(stage->cardCharts()->shownCount(), 5);
        QVERIFY(stage->cardCharts()->isHidden());
        stage->setCardWatch(std::make_unique<CardWatch>(
            []() -> std::unique_ptr<core::CardMonitor> { return std::make_unique<HalfDumbCard>(); },
            20));
        QVERIFY(startRun(window));
        QVERIFY(waitFor([&] { return stage->cardCharts()->isVisible(); }));
        QCOMPARE(stage->cardCharts()->shownCount(), 2);
        window.runs()->request(core::RunRequest::StopAtCheckpoint);
        QVERIFY(waitFor([&] { return !window.runs()->isRunning(); }));
    }

    void saysWhyAFolderCannotBeOpened() {
        const TempFolder folder;
        MainWindow window(optionsWith(fakeEngine()), Memory::Forget);
        QVERIFY(!window.openProject(folder / "nothing here", ProjectDocument::OpenAs::Existing));
        QVERIFY(window.document() == nullptr);
        QVERIFY(!window.action(QStringLiteral("run.start"))->isEnabled());
    }
};

DAYRUN_TEST(TestWindow)
#include "test_window.moc"
