// Decimation, and runs side by side.
#include <QTest>
#include <algorithm>
#include <cmath>

#include "core/records/compare.h"
#include "core/records/run_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::TempFolder;

namespace {

NewRun a_run(const std::string& run_id, const std::string& rank) {
    NewRun run;
    run.record.run_id = run_id;
    run.record.name = "same name";
    run.record.recipe_yaml =
        "dayrun: 1\nname: same name\nbase: {path: /models/tiny}\n"
        "adapter: {lora_rank: " +
        rank + "}\ndata:\n  - {name: d, path: /data/d.jsonl, converter: token_ids}\n";
    run.record.build_id = "one";
    run.record.started_at = 100;
    return run;
}

}  // namespace

class TestCompare : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void decimation_keeps_ends_and_extremes() {
        std::vector<double> x, y;
        for (int i = 0; i < 10'000; ++i) {
            x.push_back(i);
            y.push_back(std::sin(i * 0.01));
        }
        y[5'432] = 100;
        y[7'000] = -100;
        y[8'000] = std::numeric_limits<double>::quiet_NaN();
        const Series thin = decimate(x, y, 100);
        QVERIFY(thin.x.size() <= 202);
        QVERIFY(std::is_sorted(thin.x.begin(), thin.x.end()));
        QVERIFY(std::adjacent_find(thin.x.begin(), thin.x.end()) == thin.x.end());
        QCOMPARE(thin.x.front(), 0.0);
        QCOMPARE(thin.x.back(), 9'999.0);
        QCOMPARE(*std::max_element(thin.y.begin(), thin.y.end()), 100.0);
        QCOMPARE(*std::min_element(thin.y.begin(), thin.y.end()), -100.0);
    }

    void few_points_stay_as_they_are() {
        const std::vector<double> x = {1, 2, 3}, y = {3, NAN, 1};
        const Series thin = decimate(x, y, 2);
        QCOMPARE(thin.x, (std::vector<double>{1, 3}));
        QVERIFY(decimate({}, {}, 10).x.empty());
    }

    void curves_are_named_by_what_differs() {
        const TempFolder folder;
        const auto store = RunStore::open(folder / "project.sqlite");
        (*store)->append(a_run("aa11", "8"));
        (*store)->append(a_run("bb22", "64"));
        for (const char* run : {"aa11", "bb22"}) {
            for (int64_t step = 1; step <= 4; ++step) {
                (*store)->append(RunEvent{run, 101,
                                          StepMetrics{.step = step,
                                                      .loss = 4.0 / static_cast<double>(step),
                                                      .target_tokens = 10 * step,
                                                      .wall_s = 2.0 * static_cast<double>(step)}});
            }
            (*store)->append(
                RunEvent{run, 101, EvalMetrics{.step = 4, .source_id = "all", .loss = 1}});
        }
        QVERIFY((*store)->flush().ok());
        const auto query = RunQuery::open(folder / "project.sqlite");
        const auto compared =
            compare_runs(*query, {"aa11", "bb22"}, {.axis = SeriesAxis::TrainedTokens});
        QVERIFY2(compared.ok(), compared.ok() ? "" : compared.error().text().c_str());
        QCOMPARE(compared->settings.size(), size_t{1});
        QCOMPARE(compared->settings.front().key, std::string("adapter.lora_rank"));
        QCOMPARE(compared->runs[1].label, std::string("lora_rank 64"));
        QCOMPARE(compared->runs[0].loss.x, (std::vector<double>{10, 30, 60, 100}));
        QCOMPARE(compared->runs[0].eval_loss.x, (std::vector<double>{100}));
        QVERIFY(!compared->builds_differ);
        QVERIFY(!compare_runs(*query, {"aa11", "nothing"}).ok());
    }
};

DAYRUN_TEST(TestCompare)
#include "test_compare.moc"
