// The dependency rule, held against every #include of the rooms.
#include <QTest>
#include <filesystem>

#include "tests/house/include_rules.h"
#include "tests/house/source_tree.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

std::string first_include(const SourceFile& file) {
    for (const std::string& line : file.lines) {
        if (std::string included = included_by(line); !included.empty()) return included;
    }
    return "nothing";
}

}  // namespace

class TestRooms : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void no_include_breaks_the_rule() {
        std::vector<std::string> offenders;
        int seen = 0;
        for (const SourceFile& file : read_sources({"app", "core", "kernels", "ui"})) {
            for (std::size_t i = 0; i < file.lines.size(); ++i) {
                const std::string included = included_by(file.lines[i]);
                if (included.empty()) continue;
                ++seen;
                const std::string reason = forbidden_include(file.path, bare(included));
                if (!reason.empty()) offenders.push_back(at(file, i, included + ": " + reason));
            }
        }
        QVERIFY2(seen > 300, "the test reads no includes");
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void quoted_includes_start_at_the_root() {
        const std::filesystem::path root = DAYRUN_SOURCE_DIR;
        std::vector<std::string> offenders;
        for (const SourceFile& file : read_sources({"app", "core", "kernels", "ui", "tests"})) {
            for (std::size_t i = 0; i < file.lines.size(); ++i) {
                const std::string included = included_by(file.lines[i]);
                if (included.empty() || included.front() == '<') continue;
                if (std::filesystem::path(bare(included)).extension() == ".moc") continue;
                if (!std::filesystem::exists(root / bare(included))) {
                    offenders.push_back(at(file, i, included + " is no file below the root"));
                }
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    // So every such header is compiled alone once; header_check.cmake tries the others.
    void a_body_includes_its_header_first() {
        const std::filesystem::path root = DAYRUN_SOURCE_DIR;
        std::vector<std::string> offenders;
        for (const SourceFile& file : read_sources({"app", "core", "kernels", "ui"})) {
            if (file.extension() != ".cpp") continue;
            const std::string header = file.path.substr(0, file.path.size() - 4) + ".h";
            if (!std::filesystem::exists(root / header)) continue;
            const std::string first = first_include(file);
            if (first != "\"" + header + "\"") {
                offenders.push_back(file.path + " includes " + first + " before its header");
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void includes_are_read() {
        QCOMPARE(included_by("#include <vector>"), std::string("<vector>"));
        QCOMPARE(included_by("  # include \"a/b.h\"  // why"), std::string("\"a/b.h\""));
        QCOMPARE(included_by("// #include <vector>"), std::string());
    }

    // The rule itself must refuse what it is there for.
    void the_rule_refuses_data() {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("included");
        QTest::addColumn<bool>("allowed");
        const auto row = [](const char* path, const char* included, bool allowed) {
            QTest::addRow("%s includes %s", path, included) << path << included << allowed;
        };
        row("kernels/rope/rope.cpp", "ATen/ATen.h", false);
        row("kernels/rope/rope.cpp", "core/base/result.h", false);
        row("kernels/rope/rope.cpp", "cuda_runtime.h", true);
        row("kernels/rope/rope.cpp", "vector", true);
        row("core/data/mix.cpp", "QString", false);
        row("core/data/mix.cpp", "QtCore/QString", false);
        row("core/data/mix.cpp", "torch/torch.h", false);
        row("core/data/mix.cpp", "core/engine/engine_factory.h", false);
        row("core/data/mix.cpp", "ui/look/theme.h", false);
        row("core/data/parquet_reader.cpp", "arrow/api.h", true);
        row("core/records/database.cpp", "arrow/api.h", false);
        row("core/records/database.cpp", "sqlite3.h", true);
        row("core/data/mix.cpp", "core/engine/engine.h", true);
        row("core/engine/guard.h", "c10/util/Exception.h", false);
        row("core/engine/torch/torch_products.cpp", "c10/util/Exception.h", true);
        row("core/engine/guard.h", "QObject", false);
        row("ui/shell/main_window.cpp", "QMainWindow", true);
        row("ui/shell/main_window.cpp", "sqlite3.h", false);
        row("ui/shell/main_window.cpp", "yaml-cpp/yaml.h", false);
        row("ui/shell/main_window.cpp", "torch/torch.h", false);
        row("ui/shell/main_window.cpp", "core/engine/engine_factory.h", false);
        row("ui/stages/data/data_stage.cpp", "ui/stages/run/run_stage.h", false);
        row("ui/stages/data/data_stage.cpp", "ui/stages/data/row_table.h", true);
        row("app/wiring.cpp", "core/engine/engine_factory.h", true);
        row("app/wiring.cpp", "core/engine/decoder_engine.h", false);
        row("app/wiring.cpp", "CLI/CLI.hpp", true);
    }
    void the_rule_refuses() {
        QFETCH(QString, path);
        QFETCH(QString, included);
        QFETCH(bool, allowed);
        QCOMPARE(forbidden_include(path.toStdString(), included.toStdString()).empty(), allowed);
    }
};

DAYRUN_TEST(TestRooms)
#include "test_rooms.moc"
