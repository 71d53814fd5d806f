// Opening, making, locking and refusing project folders.
#include <sys/wait.h>
#include <unistd.h>

#include <QTest>

#include "core/base/atomic_file.h"
#include "core/records/database.h"
#include "core/records/project.h"
#include "tests/support/needs_fork.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using dayrun::tests::TempFolder;

namespace {

// Runs `body` in a child process without privileges; its exit code.
int exit_code_without_privileges(const std::function<int()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(120);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 121;
}

NewRun a_run(const std::string& run_id) {
    NewRun run;
    run.record.run_id = run_id;
    run.record.name = "first";
    run.record.state = RunState::Training;
    run.record.recipe_yaml = "dayrun: 1\n";
    run.record.started_at = 100;
    return run;
}

}  // namespace

class TestProject : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void makes_the_folder_of_the_contract() {
        const TempFolder folder;
        const auto project = Project::open_or_create(folder / "new" / "project/");
        QVERIFY2(project.ok(), project.ok() ? "" : project.error().text().c_str());
        QVERIFY(Project::is_project(folder / "new" / "project"));
        for (const char* part : {"recipes", "runs", "cache"}) {
            QVERIFY(std::filesystem::is_directory(folder / "new" / "project" / part));
        }
        QCOMPARE((*project)->relative((*project)->run_folder("7f3a") / "adapter"),
                 std::string("runs/7f3a/adapter"));
    }

    void refuses_what_is_no_project() {
        const TempFolder folder;
        const auto absent = Project::open(folder.path());
        QVERIFY(!absent.ok());
        QVERIFY(absent.error().code == ErrorCode::FileMissing);

        QVERIFY(
            write_file(folder / "project.sqlite", "this is text and no database at all\n").ok());
        const auto damaged = Project::open(folder.path());
        QVERIFY(!damaged.ok());
        QVERIFY(damaged.error().code == ErrorCode::FileDamaged);
        QVERIFY(damaged.error().message.find("project.sqlite") != std::string::npos);
    }

    void refuses_another_programs_database() {
        const TempFolder folder;
        {
            const auto other = Database::open(folder / "project.sqlite", Database::Mode::ReadWrite);
            QVERIFY((*other)->execute_script("CREATE TABLE bookmarks (url TEXT)").ok());
        }
        const auto project = Project::open(folder.path());
        QVERIFY(!project.ok());
        QVERIFY(project.error().code == ErrorCode::FileDamaged);
    }

    void second_dayrun_gets_one_clear_sentence() {
        const TempFolder folder;
        const auto first = Project::open_or_create(folder.path());
        QVERIFY(first.ok());
        const auto second = Project::open(folder.path());
        QVERIFY(!second.ok());
        QVERIFY(second.error().code == ErrorCode::DatabaseBusy);
        QVERIFY(second.error().message.find("open in another Dayrun (process") !=
                std::string::npos);
        // Readers are welcome meanwhile.
        const auto reader = Project::open(folder.path(), ProjectAccess::ReadOnly);
        QVERIFY2(reader.ok(), reader.ok() ? "" : reader.error().text().c_str());
        QVERIFY((*reader)->query().ok());
    }

    void lock_ends_with_the_project() {
        const TempFolder folder;
        QVERIFY(Project::open_or_create(folder.path()).ok());
        QVERIFY(Project::open(folder.path()).ok());
    }

    void read_only_folder_is_told() {
        const TempFolder folder;
        const auto project_folder = folder / "project";
        QVERIFY(Project::open_or_create(project_folder).ok());
        std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
        std::filesystem::permissions(project_folder, std::filesystem::perms(0555));
        std::filesystem::permissions(project_folder / ".lock", std::filesystem::perms(0444));
        std::filesystem::permissions(project_folder / "project.sqlite",
                                     std::filesystem::perms(0444));
        const int code = exit_code_without_privileges([&] {
            const auto writing = Project::open(project_folder);
            if (writing.ok() || writing.error().code != ErrorCode::DiskFull) return 1;
            if (writing.error().message.find("cannot be written") == std::string::npos) return 2;
            // Looking at the runs needs no writing.
            const auto reading = Project::open(project_folder, ProjectAccess::ReadOnly);
            if (!reading.ok()) return 3;
            const auto query = (*reading)->query();
            return query.ok() && query->runs().ok() ? 0 : 4;
        });
        std::filesystem::permissions(project_folder, std::filesystem::perms(0755));
        QCOMPARE(code, 0);
    }

    void project_that_moved_still_opens() {
        const TempFolder folder;
        {
            const auto project = Project::open_or_create(folder / "here");
            (*project)->store().append(a_run("aa11"));
        }
        std::filesystem::rename(folder / "here", folder / "there");
        const auto moved = Project::open(folder / "there");
        QVERIFY(moved.ok());
        QCOMPARE((*moved)->query()->runs()->size(), size_t{1});
    }

    void run_cut_off_by_a_crash_is_listed_as_interrupted() {
        DAYRUN_NEEDS_FORK();
        const TempFolder folder;
        const pid_t child = ::fork();
        if (child == 0) {
            const auto project = Project::open_or_create(folder.path());
            (*project)->store().append(a_run("bb22"));
            (*project)->store().append(
                RunEvent{.run_id = "bb22", .at = 130, .body = StepMetrics{.step = 7, .loss = 2.5}});
            if (!(*project)->store().flush().ok()) ::_exit(1);
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        QVERIFY(WIFSIGNALED(status));

        {
            const auto reader = Project::open(folder.path(), ProjectAccess::ReadOnly);
            QVERIFY2(reader.ok(), reader.ok() ? "" : reader.error().text().c_str());
            const auto run = (*reader)->query()->run("bb22");
            QVERIFY(run.ok());
            QVERIFY(run->interrupted);
        }
        const auto project = Project::open(folder.path());
        QVERIFY2(project.ok(), project.ok() ? "" : project.error().text().c_str());
        const auto run = (*project)->query()->run("bb22");
        QVERIFY(run->interrupted);
        QVERIFY(run->state == RunState::Stopped);
        QCOMPARE(run->last_step, int64_t{7});
        QCOMPARE(run->finished_at, 130.0);
    }
};

DAYRUN_TEST(TestProject)
#include "test_project.moc"
