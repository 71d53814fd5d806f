// Where resources are found, and what is said when one is missing.
#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>

#include "core/base/build_info.h"
#include "core/base/resource_path.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
namespace fs = std::filesystem;

class TestResourcePath : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void init() { qunsetenv("DAYRUN_RESOURCES"); }
    void cleanup() { qunsetenv("DAYRUN_RESOURCES"); }

    void finds_the_source_tree_of_a_build() {
        const auto found = resource_path("sql");
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().text().c_str());
        QVERIFY(fs::equivalent(*found, fs::path(DAYRUN_SOURCE_DIR) / "resources" / "sql"));
    }

    void the_environment_comes_first() {
        const QTemporaryDir chosen;
        const fs::path folder = chosen.path().toStdString();
        fs::create_directory(folder / "sql");
        qputenv("DAYRUN_RESOURCES", chosen.path().toLocal8Bit());
        const auto found = resource_path("sql");
        QVERIFY(found.ok());
        QVERIFY(*found == folder / "sql");
        // What the chosen folder lacks still comes from the program.
        QVERIFY(resource_path("sample_project").ok());
    }

    void a_missing_resource_names_the_places() {
        const auto missing = resource_path("no/such.file");
        QVERIFY(!missing.ok());
        QVERIFY(missing.error().code == ErrorCode::FileMissing);
        QVERIFY(missing.error().message.find("'no/such.file'") != std::string::npos);
        QVERIFY(missing.error().message.find("share/dayrun") != std::string::npos);
    }

    void the_executable_folder_holds_this_test() {
        const auto folder = executable_folder();
        QVERIFY(folder.ok());
        const QByteArray here = QCoreApplication::applicationDirPath().toUtf8();
        QVERIFY(fs::equivalent(*folder, here.toStdString()));
    }

    void the_build_id_is_filled() {
        const BuildInfo& info = build_info();
        QVERIFY(!info.version.empty());
        QVERIFY(!info.commit.empty());
        QCOMPARE(std::string(info.build_id),
                 std::string(info.version) + "+" + std::string(info.commit));
        QVERIFY(info.build_id.find('@') == std::string_view::npos);
        QVERIFY(fs::equivalent(info.source_dir, DAYRUN_SOURCE_DIR));
    }
};

DAYRUN_TEST(TestResourcePath)
#include "test_resource_path.moc"
