// The small parts of a run: schedules, moments, outliers, pace, events as JSON, swapped folders,
// queues, and the ring between two threads.
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTest>
#include <cmath>
#include <limits>
#include <thread>

#include "core/base/atomic_file.h"
#include "core/events/event_json.h"
#include "core/events/metric_channel.h"
#include "core/plan/schedule/eval_moments.h"
#include "core/plan/schedule/lr_schedule.h"
#include "core/run/outlier_detector.h"
#include "core/run/progress/run_pace.h"
#include "core/run/resume/resume_point.h"
#include "core/run/run_files.h"
#include "core/run/run_queue.h"
#include "tests/support/fake_engine.h"
#include "tests/support/shared.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

LrSchedule schedule(ScheduleKind kind, int64_t warmup, int64_t total, double min_ratio = 0) {
    return {ScheduleSpec{.kind = kind, .warmup_steps = warmup, .min_lr_ratio = min_ratio}, total};
}

class Silent : public RunListener {
    void on_event(const RunEvent&) override {}
};

}  // namespace

class TestRunParts : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void schedules_follow_their_formulas() {
        const LrSchedule cosine = schedule(ScheduleKind::Cosine, 5, 20);
        QCOMPARE(cosine.multiplier(0), 0.0);
        QCOMPARE(cosine.multiplier(4), 0.8);
        QCOMPARE(cosine.multiplier(5), 1.0);
        QVERIFY(std::abs(cosine.multiplier(10) - 0.75) < 1e-15);
        QCOMPARE(cosine.multiplier(20), 0.0);
        QCOMPARE(cosine.multiplier(25), 0.0);
        const LrSchedule linear = schedule(ScheduleKind::Linear, 0, 20);
        QCOMPARE(linear.multiplier(0), 1.0);
        QCOMPARE(linear.multiplier(5), 0.75);
        QCOMPARE(schedule(ScheduleKind::Constant, 2, 20).multiplier(1), 0.5);
        QCOMPARE(schedule(ScheduleKind::Constant, 2, 20).multiplier(19), 1.0);
        QCOMPARE(schedule(ScheduleKind::Linear, 0, 20, 0.1).multiplier(20), 0.1);
    }

    void schedules_equal_the_reference() {
        DAYRUN_REQUIRE_SHARED(path, "goldens/schedules.json");
        QFile file(QString::fromStdString(path.string()));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QJsonObject all = QJsonDocument::fromJson(file.readAll()).object();
        QVERIFY(all.size() >= 6);
        for (const QString& name : all.keys()) {
            const QStringList words = name.split(' ');
            const auto kind = words[0] == "cosine" ? ScheduleKind::Cosine : ScheduleKind::Linear;
            const int64_t warmup = words[1].section('=', 1).toLongLong();
            const int64_t total = words[2].section('=', 1).toLongLong();
            const LrSchedule ours = schedule(kind, warmup, total);
            const QJsonArray values = all[name].toArray();
            for (int s = 0; s < values.size(); ++s) {
                QVERIFY(std::abs(ours.multiplier(s) - values[s].toDouble()) <= 1e-15);
            }
        }
    }

    void steps_count_partial_groups_epochs_and_limits() {
        QCOMPARE(steps_per_epoch(20, 3), int64_t{7});
        QCOMPARE(steps_per_epoch(0, 3), int64_t{1});
        const auto twenty = [](int64_t) { return int64_t{20}; };
        QCOMPARE(total_steps({.gradient_accumulation_steps = 3, .epochs = 2}, twenty), int64_t{14});
        QCOMPARE(total_steps({.gradient_accumulation_steps = 2, .epochs = 0.3}, twenty),
                 int64_t{3});
        QCOMPARE(total_steps({.epochs = 1.01}, twenty), int64_t{21});
        QCOMPARE(total_steps({.epochs = 3, .max_steps = 7}, twenty), int64_t{7});
        // Packed epochs differ in length.
        const auto growing = [](int64_t epoch) { return 10 + epoch; };
        QCOMPARE(total_steps({.epochs = 3}, growing), int64_t{33});
    }

    void moments_come_by_epoch_steps_and_minutes() {
        const EvalMoments moments({{EvalEvery::Kind::Epoch, 1},
                                   {EvalEvery::Kind::Steps, 5},
                                   {EvalEvery::Kind::Minutes, 10}});
        QVERIFY(!moments.is_due(4, false, 9));
        QVERIFY(moments.is_due(4, true, 0));
        QVERIFY(moments.is_due(10, false, 0));
        QVERIFY(moments.is_due(4, false, 10));
        QCOMPARE(moments.remaining(0, 20, 0, 2), int64_t{6});
        QCOMPARE(moments.remaining(20, 20, 2, 2), int64_t{0});
    }

    void spike_stands_out_and_quiet_losses_do_not() {
        OutlierDetector detector;
        for (int i = 0; i < 40; ++i) QVERIFY(std::abs(detector.z_score(2 + 0.01 * (i % 3))) < 3);
        QVERIFY(detector.z_score(4) > 10);
        QCOMPARE(detector.z_score(std::numeric_limits<double>::quiet_NaN()), 0.0);
        OutlierDetector flat;
        for (int i = 0; i < 20; ++i) QCOMPARE(flat.z_score(1.0), 0.0);
    }

    void pace_is_a_median_of_warm_steps() {
        RunPace pace;
        QCOMPARE(pace.step_s(), 0.0);
        pace.add_step(9);
        QCOMPARE(pace.step_s(), 9.0);
        pace.add_step(5);
        for (int i = 0; i < 200; ++i) pace.add_step(i == 150 ? 1000 : 2);
        QCOMPARE(pace.step_s(), 2.0);
        pace.add_eval(7);
        pace.add_save(1);
        QCOMPARE(pace.eta_s(10, 3), 44.0);
    }

    void events_are_json_lines_of_the_contract() {
        QCOMPARE(event_json({"7f3a", 1, StateChanged{RunState::Training}}),
                 std::string(R"({"event":"state","run_id":"7f3a","state":"Training"})"));
        const std::string step = event_json(
            {"7f3a", 1, StepMetrics{.step = 1, .epoch = 0.01, .loss = 2.3071, .eta_s = NAN}});
        QVERIFY(step.starts_with(
            R"({"event":"step","run_id":"7f3a","step":1,"epoch":0.01,"loss":2.3071,)"));
        QVERIFY(step.find("\"eta_s\":null") != std::string::npos);
        // The shortest form reads back to the same value.
        const double third = 1.0 / 3.0;
        const QByteArray line =
            QByteArray::fromStdString(event_json({"a", 1, StepMetrics{.loss = third}}));
        QCOMPARE(QJsonDocument::fromJson(line).object()["loss"].toDouble(), third);
        const auto text = event_json({"a", 1, LogLine{"info", "say \"hi\"\n\xff\xc3\xa9"}});
        const QJsonObject log = QJsonDocument::fromJson(QByteArray::fromStdString(text)).object();
        QCOMPARE(log["message"].toString(), QString::fromUtf8("say \"hi\"\n\xef\xbf\xbd\xc3\xa9"));
        QCOMPARE(start_json("b", {"1", "2"}),
                 std::string(R"({"event":"start","format":1,"build_id":"b","runs":["1","2"]})"));
        RunFinished finished{.best_eval_loss = 0.5, .best_step = 3, .adapter = "x", .exports = {}};
        finished.exports = {{"peft", "x"}};
        QCOMPARE(event_json({"a", 1, finished}),
                 std::string(R"({"event":"finished","run_id":"a","state":"Finished",)"
                             R"("best_eval_loss":0.5,"best_step":3,"adapter":"x",)"
                             R"("export":{"peft":"x"}})"));
        for (const RunState state : {RunState::Draft, RunState::Parked, RunState::Failed}) {
            QVERIFY(run_state_from(to_string(state)) == state);
        }
    }

    void folder_is_replaced_whole_or_not_at_all() {
        const TempFolder place;
        RunFiles files(place / "run");
        QVERIFY(files.create("dayrun: 1\n").ok());
        const auto writer = [](const std::string& text, bool fails) {
            return [text, fails](const std::filesystem::path& folder) -> Result<void> {
                TRY_VOID(write_file(folder / "weights", text));
                if (fails) return Error{.code = ErrorCode::DiskFull, .message = "Full."};
                return {};
            };
        };
        QCOMPARE(*files.save_checkpoint("best", writer("one", false)), int64_t{3});
        QVERIFY(files.publish("best").ok());
        QVERIFY(!files.save_checkpoint("best", writer("broken", true)).ok());
        QCOMPARE(*read_file(files.checkpoint("best") / "weights"), std::string("one"));
        QVERIFY(files.save_checkpoint("best", writer("second", false)).ok());
        QCOMPARE(*read_file(files.checkpoint("best") / "weights"), std::string("second"));
        QCOMPARE(*read_file(files.adapter() / "weights"), std::string("one"));
        QVERIFY(files.publish("best").ok());
        QCOMPARE(*read_file(files.adapter() / "weights"), std::string("second"));
        size_t entries = 0;
        for ([[maybe_unused]] const auto& entry :
             std::filesystem::directory_iterator(files.checkpoints())) {
            ++entries;
        }
        QCOMPARE(entries, size_t{1});  // no leftovers
    }

    void pruning_counts_sealed_points_only() {
        const TempFolder place;
        RunFiles files(place / "run");
        QVERIFY(files.create("dayrun: 1\n").ok());
        const auto save = [&](const char* name) {
            return files.save_checkpoint(name, [](const std::filesystem::path& folder) {
                return seal_resume_point(folder, {}, {});
            });
        };
        QVERIFY(save("step-00000005").ok() && save("step-00000006").ok());
        // All of them sort as newer than step 6.
        for (const char* const name :
             {"step-00000006.unfinished.tmp-31260", "step-00000009", "step-000000061",
              "step-0000000a", "step-99999999.tmp-1-1", "step-9"}) {
            QVERIFY(write_file(files.checkpoint(name) / "weights", "half").ok());
        }
        files.prune(1);
        const auto points = files.resume_points();
        QCOMPARE(points.size(), size_t{1});
        QCOMPARE(points[0], files.checkpoint("step-00000006"));
        QCOMPARE(files.unsealed_points(), std::vector{files.checkpoint("step-00000009")});
        files.prune(0);
        QCOMPARE(files.resume_points().size(), size_t{1});
    }

    void queue_is_a_list_or_one_recipe() {
        const TempProject place;
        const auto recipe = place.folder() / "tiny.yaml";
        QVERIFY(write_file(recipe, TempProject::recipe_yaml()).ok());
        QCOMPARE(read_queue(recipe)->size(), size_t{1});
        const auto queue = place.folder() / "queue.yaml";
        QVERIFY(write_file(queue,
                           "runs:\n  - {recipe: tiny.yaml, set: {adapter.lora_rank: 4, "
                           "adapter.target_modules: [q_proj, v_proj]}, name: small}\n"
                           "  - {recipe: tiny.yaml}\n")
                    .ok());
        const auto items = read_queue(queue);
        QVERIFY2(items.ok(), items.ok() ? "" : items.error().text().c_str());
        QCOMPARE((*items)[0].recipe.adapter.lora_rank, 4);
        QCOMPARE((*items)[0].recipe.name, std::string("small"));
        QCOMPARE(std::get<0>((*items)[0].recipe.adapter.target_modules).size(), size_t{2});
        QCOMPARE((*items)[1].recipe.name, std::string("tiny"));
        QVERIFY((*items)[0].run_id != (*items)[1].run_id);
    }

    void bad_queues_are_refused_with_their_place() {
        const TempProject place;
        QVERIFY(write_file(place.folder() / "tiny.yaml", TempProject::recipe_yaml()).ok());
        const auto queue = place.folder() / "queue.yaml";
        const auto fault = [&](const std::string& text) {
            [[maybe_unused]] const auto written = write_file(queue, text);
            const auto items = read_queue(queue);
            return items.ok() ? std::string() : items.error().text();
        };
        QVERIFY(fault("runs:\n  - {recipe: tiny.yaml, nme: x}\n").find("queue.yaml:2:") !=
                std::string::npos);
        QVERIFY(fault("runs:\n  - {recipe: tiny.yaml, nme: x}\n").find("'nme'") !=
                std::string::npos);
        QVERIFY(!fault("runs: []\n").empty());
        QVERIFY(!fault("runs:\n  - tiny.yaml\n").empty());
        QVERIFY(!fault("runs:\n  - {name: x}\n").empty());
        QVERIFY(!fault("runs:\n  - {recipe: absent.yaml}\n").empty());
        QVERIFY(!fault("runs:\n  - {recipe: tiny.yaml, set: {adapter.lora_rnk: 4}}\n").empty());
        QVERIFY(!fault("runs: [\n").empty());
        QVERIFY(!fault("more: 1\nruns:\n  - {recipe: tiny.yaml}\n").empty());
        QVERIFY(!read_queue(place.folder() / "no.yaml").ok());
    }

    void failed_item_does_not_hold_the_next_one() {
        const TempProject place;
        const auto project = place.open().value();
        std::vector<QueueItem> items(2);
        items[0].recipe = place.recipe().value();
        items[0].recipe.data[0].path = "absent.jsonl";
        items[0].run_id = "aa11";
        items[1].recipe = place.recipe("batch: {max_steps: 2}\n").value();
        items[1].run_id = "bb22";
        RunControl control;
        Silent listener;
        const auto outcomes =
            run_queue(*project, fake_engine_factory(), control, listener, items, {});
        QCOMPARE(outcomes.size(), size_t{2});
        QVERIFY(outcomes[0].state == RunState::Failed);
        QVERIFY(outcomes[1].state == RunState::Finished);
        control.request(RunRequest::StopAtCheckpoint);
        QVERIFY(run_queue(*project, fake_engine_factory(), control, listener, items, {}).empty());
    }

    void channel_keeps_order_between_two_threads() {
        auto channel = std::make_unique<MetricChannel<StepMetrics, 1024>>();
        constexpr int64_t kCount = 200'000;
        std::thread producer([&] {
            for (int64_t step = 1; step <= kCount; ++step) channel->push({.step = step});
        });
        int64_t last = 0, received = 0;
        bool is_rising = true;
        while (received + static_cast<int64_t>(channel->dropped()) < kCount) {
            while (const auto step = channel->pop()) {
                is_rising = is_rising && step->step > last;
                last = step->step;
                ++received;
            }
        }
        producer.join();
        while (channel->pop()) ++received;
        QVERIFY(is_rising);
        QCOMPARE(received + static_cast<int64_t>(channel->dropped()), kCount);
    }
};

DAYRUN_TEST(TestRunParts)
#include "test_run_parts.moc"
