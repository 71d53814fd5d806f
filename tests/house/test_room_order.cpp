// The order of rooms (room_order.h), held against every #include of core and ui, and against
// examples that must be refused. What still stands across the order is listed here by name.
#include <QTest>
#include <algorithm>
#include <map>
#include <set>

#include "tests/house/room_order.h"
#include "tests/house/source_tree.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

// "from -> to": pairs of rooms that may still stand across the order. The list only shrinks.
const std::set<std::string> kExceptions = {};

}  // namespace

class TestRoomOrder : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void rooms_look_back_only() {
        std::vector<std::string> offenders;
        std::set<std::string> unused = kExceptions;
        std::map<std::string, int> seen;
        for (const SourceFile& file : read_sources({"core", "ui"})) {
            for (std::size_t i = 0; i < file.lines.size(); ++i) {
                const std::string included = included_by(file.lines[i]);
                if (included.empty() || included.front() == '<') continue;
                ++seen[file.room()];
                const std::string reason = against_order(file.path, bare(included));
                if (reason.empty()) continue;
                const std::string pair = room_of(file.path) + " -> " + room_of(bare(included));
                unused.erase(pair);
                if (kExceptions.count(pair) == 0) {
                    offenders.push_back(at(file, i, included + ": " + reason));
                }
            }
        }
        QVERIFY2(seen["core"] > 300 && seen["ui"] > 100, "the test reads no includes");
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
        QVERIFY2(unused.empty(), listed({unused.begin(), unused.end()}).c_str());
    }

    void every_room_stands_in_a_list() {
        std::set<std::string> offenders;
        for (const SourceFile& file : read_sources({"core", "ui"})) {
            const std::string room = room_of(file.path);
            const auto& order = room_order(file.room());
            if (std::find(order.begin(), order.end(), room) == order.end()) {
                offenders.insert(file.folder());
            }
        }
        QVERIFY2(offenders.empty(), listed({offenders.begin(), offenders.end()}).c_str());
    }

    void the_order_refuses_data() {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("included");
        QTest::addColumn<bool>("allowed");
        const auto row = [](const char* path, const char* included, bool allowed) {
            QTest::addRow("%s includes %s", path, included) << path << included << allowed;
        };
        row("core/model/a.h", "core/model/files/b.h", true);
        row("core/model/a.h", "core/base/result.h", true);
        row("core/base/result.h", "core/model/a.h", false);
        row("core/plan/preflight.h", "core/run/run_session.h", false);
        row("core/run/trainer.h", "core/plan/schedule/lr_schedule.h", true);
        row("core/engine/decoder/decoder.h", "core/engine/torch/torch_products.h", false);
        row("core/engine/torch/torch_products.h", "core/engine/linear/matrix.h", true);
        row("core/engine/torch/torch_products.h", "core/engine/cuda/cuda_arena.h", false);
        row("core/export/merge.h", "core/run/run_session.h", false);
        row("core/unheard_of/a.h", "core/base/result.h", false);
        row("ui/charts/chart_view.h", "ui/look/theme.h", true);
        row("ui/look/theme.h", "ui/charts/chart_view.h", false);
        row("ui/stages/run/run_stage.h", "ui/shell/main_window.h", false);
        row("ui/shell/main_window.h", "core/run/run_session.h", true);
        row("app/main.cpp", "ui/shell/main_window.h", true);
    }
    void the_order_refuses() {
        QFETCH(QString, path);
        QFETCH(QString, included);
        QFETCH(bool, allowed);
        QCOMPARE(against_order(path.toStdString(), included.toStdString()).empty(), allowed);
    }
};

DAYRUN_TEST(TestRoomOrder)
#include "test_room_order.moc"
