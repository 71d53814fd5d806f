// From every version on: an empty file, version 1 with rows, a version from the future.
#include <QTest>

#include "core/records/database.h"
#include "core/records/migrations.h"
#include "core/records/run_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::TempFolder;

class TestMigrations : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void makes_strict_tables_of_the_house() {
        const TempFolder folder;
        const auto database = Database::open(folder / "p.sqlite", Database::Mode::ReadWrite);
        QVERIFY(database.ok());
        const auto migrated = migrate(**database, migration_scripts());
        QVERIFY2(migrated.ok(), migrated.ok() ? "" : migrated.error().text().c_str());
        for (const char* table :
             {"project", "run", "setting", "step_metric", "source_metric", "eval_metric",
              "sample_output", "checkpoint", "artifact", "event"}) {
            const auto strict = (*database)->integer(
                "SELECT strict FROM pragma_table_list WHERE name = ?", {std::string_view(table)});
            QVERIFY2(strict.ok() && *strict == 1, table);
        }
        QCOMPARE(*(*database)->integer("PRAGMA user_version"),
                 static_cast<int64_t>(migration_scripts().size()));
        QCOMPARE(*(*database)->integer("PRAGMA foreign_keys"), int64_t{1});
        QVERIFY(migrate(**database, migration_scripts()).ok());  // a second time changes nothing
        QCOMPARE(*(*database)->integer("SELECT count(*) FROM project"), int64_t{1});
    }

    void version_one_keeps_its_rows_on_the_way_up() {
        const TempFolder folder;
        const auto path = folder / "p.sqlite";
        const std::vector<std::string_view> first = {migration_scripts().front()};
        {
            const auto database = Database::open(path, Database::Mode::ReadWrite);
            QVERIFY(migrate(**database, first).ok());
            QVERIFY((*database)
                        ->execute("INSERT INTO run (run_id, name, state, recipe_yaml, "
                                  "recipe_sha256, started_at) VALUES ('a', 'n', 'Finished', 'y', "
                                  "'s', 1.0)")
                        .ok());
        }
        std::vector<std::string_view> next = migration_scripts();
        next.push_back("ALTER TABLE run ADD COLUMN note TEXT NOT NULL DEFAULT ''");
        const auto database = Database::open(path, Database::Mode::ReadWrite);
        QVERIFY(migrate(**database, next).ok());
        QCOMPARE(*(*database)->integer("SELECT count(*) FROM run WHERE note = ''"), int64_t{1});
        QCOMPARE(*(*database)->integer("PRAGMA user_version"), static_cast<int64_t>(next.size()));
    }

    void failing_script_leaves_the_version_before_it() {
        const TempFolder folder;
        const auto database = Database::open(folder / "p.sqlite", Database::Mode::ReadWrite);
        std::vector<std::string_view> scripts = migration_scripts();
        const auto good = static_cast<int64_t>(scripts.size());
        scripts.push_back("CREATE TABLE extra (x INTEGER) STRICT; SELECT * FROM no_such_table;");
        QVERIFY(!migrate(**database, scripts).ok());
        QCOMPARE(*(*database)->integer("PRAGMA user_version"), good);
        QCOMPARE(*(*database)->integer("SELECT count(*) FROM sqlite_master WHERE name = 'extra'"),
                 int64_t{0});
    }

    void newer_project_is_refused() {
        const TempFolder folder;
        {
            const auto database = Database::open(folder / "p.sqlite", Database::Mode::ReadWrite);
            QVERIFY(migrate(**database, migration_scripts()).ok());
            QVERIFY((*database)->execute_script("PRAGMA user_version = 999").ok());
        }
        const auto store = RunStore::open(folder / "p.sqlite");
        QVERIFY(!store.ok());
        QVERIFY(store.error().code == ErrorCode::Unsupported);
        QVERIFY(store.error().message.find("newer Dayrun") != std::string::npos);
    }
};

DAYRUN_TEST(TestMigrations)
#include "test_migrations.moc"
