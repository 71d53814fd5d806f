// What is half-written: never under its own name, never taken from a living maker, and gone when
// its maker is dead.
#include <sys/wait.h>
#include <unistd.h>

#include <QTest>
#include <csignal>
#include <fstream>
#include <optional>
#include <set>

#include "core/base/atomic_file.h"
#include "core/base/atomic_folder.h"
#include "core/base/temporary.h"
#include "tests/support/needs_fork.h"
#include "tests/support/temp_folder.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

void put(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

using Names = std::set<std::string>;

}  // namespace

class TestTemporary : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void it_is_gone_unless_it_took_its_place() {
        const TempFolder place;
        {
            const auto file = Temporary::file(place / "a");
            const auto folder = Temporary::folder(place / "b" / "c");
            QVERIFY(file.ok() && folder.ok());
            QVERIFY(is_temporary(file->path()) && fs::is_regular_file(file->path()));
            QVERIFY(is_temporary(folder->path()) && fs::is_directory(folder->path()));
        }
        QCOMPARE(names_in(place.path()), Names{"b"});
        QVERIFY(names_in(place / "b").empty());
    }

    void a_folder_is_replaced_whole() {
        const TempFolder place;
        for (const char* const text : {"one", "two"}) {
            const auto written = write_folder(place / "f", [&](const fs::path& folder) {
                put(folder / text, text);
                return Result<void>();
            });
            QVERIFY(written.ok());
            QCOMPARE(names_in(place / "f"), Names{text});
        }
        const auto failed = write_folder(place / "f", [&](const fs::path& folder) -> Result<void> {
            put(folder / "three", "three");
            return Error{.code = ErrorCode::DiskFull, .message = "Full."};
        });
        QVERIFY(!failed.ok());
        QCOMPARE(names_in(place / "f"), Names{"two"});
        QCOMPARE(names_in(place.path()), Names{"f"});
        QCOMPARE(folder_bytes(place / "f"), int64_t{3});
        remove_folder(place / "f");
        remove_folder(place / "never there" / "f");
        QVERIFY(names_in(place.path()).empty());
    }

    // Another process' leftover may have the very name, or a link to somebody's file.
    void names_that_are_taken_are_left_alone() {
        const TempFolder place;
        put(place / "victim", "mine");
        int number = 0;
        {
            const auto first = Temporary::file(place / "a");
            const std::string name = first->path().string();
            number = std::stoi(name.substr(name.rfind('-') + 1));
        }
        const std::string begin = "a.tmp-" + std::to_string(::getpid()) + "-";
        fs::create_symlink(place / "victim", place / (begin + std::to_string(number + 1)));
        put(place / (begin + std::to_string(number + 2)), "left");
        QVERIFY(write_file(place / "a", "text").ok());
        QCOMPARE(*read_file(place / "a"), std::string("text"));
        QCOMPARE(*read_file(place / "victim"), std::string("mine"));
        QCOMPARE(*read_file(place / (begin + std::to_string(number + 2))), std::string("left"));
    }

    void only_what_nobody_holds_is_left_over() {
        const TempFolder place;
        const std::string own = std::to_string(::getpid());
        // The number of a living process says nothing: it may be another one's by now.
        for (const std::string& name :
             {"a.tmp-" + own + "-900", std::string("a.tmp-1-1"), std::string("b.tmp-4194305")}) {
            put(place / name, "half");
            QVERIFY(is_left_over(place / name));
        }
        put(place / "c.tmp-1-2" / "weights", "half");
        const Names kept = {"a.tmp",    "a.tmp-x",      "tmp-1",     "notes.tmp-1.txt",
                            ".tmp-1-1", "a.unfinished", "a.previous"};
        for (const std::string& name : kept) put(place / name, "mine");
        const auto file = Temporary::file(place / "d");
        const auto folder = Temporary::folder(place / "e");
        QVERIFY(!is_left_over(file->path()) && !is_left_over(folder->path()));

        const Leftovers swept = remove_leftovers(place.path(), Makers::MayLive);
        QCOMPARE(swept.count, int64_t{4});
        QCOMPARE(swept.bytes, int64_t{16});
        Names expected = kept;
        expected.insert({file->path().filename(), folder->path().filename()});
        QCOMPARE(names_in(place.path()), expected);
    }

    void a_dead_process_holds_nothing() {
        DAYRUN_NEEDS_FORK();
        const TempFolder place;
        int ready[2];
        QCOMPARE(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto file = Temporary::file(place / "a");
            const auto folder = Temporary::folder(place / "b");
            put(folder->path() / "weights", "half");
            [[maybe_unused]] const auto told = ::write(ready[1], "x", 1);
            ::pause();
            ::_exit(0);
        }
        char byte = 0;
        QCOMPARE(::read(ready[0], &byte, 1), ssize_t{1});
        QCOMPARE(remove_leftovers(place.path(), Makers::MayLive).count, int64_t{0});
        QCOMPARE(names_in(place.path()).size(), size_t{2});
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        QCOMPARE(remove_leftovers(place.path(), Makers::MayLive).count, int64_t{2});
        QVERIFY(names_in(place.path()).empty());
        ::close(ready[0]);
        ::close(ready[1]);
    }

    void what_was_moved_aside_is_put_back_unless_it_was_followed() {
        const TempFolder place;
        put(place / "a.tmp-7-1.previous" / "weights", "old");
        put(place / "a.tmp-7-1" / "weights", "new");
        put(place / "b" / "weights", "new");
        put(place / "b.tmp-7-2.previous" / "weights", "old");
        put(place / "c.old.tmp-7" / "weights", "old");
        // What was aside of something unfinished is no whole folder.
        put(place / "d.tmp-7-3.tmp-7-4.previous" / "weights", "half");
        put(place / "e.unfinished.old.tmp-7" / "weights", "half");
        QCOMPARE(remove_leftovers(place.path(), Makers::MayLive).count, int64_t{4});
        QCOMPARE(names_in(place.path()), (Names{"a", "b", "c"}));
        QCOMPARE(*read_file(place / "a" / "weights"), std::string("old"));
        QCOMPARE(*read_file(place / "b" / "weights"), std::string("new"));
        QCOMPARE(*read_file(place / "c" / "weights"), std::string("old"));
    }

    void names_of_former_versions_go_where_all_makers_are_dead() {
        const TempFolder place;
        for (const char* const name :
             {"a.unfinished", "a.unfinished.tmp-7", "b.tmp-7-1", "c.previous"}) {
            put(place / name / "weights", "half");
        }
        put(place / "c" / "weights", "new");
        const auto living = Temporary::folder(place / "d");
        QCOMPARE(remove_leftovers(place.path(), Makers::AreDead).count, int64_t{5});
        QCOMPARE(names_in(place.path()), Names{"c"});
    }

    void beside_a_target_others_files_stay() {
        const TempFolder place;
        put(place / "out.tmp-7-1" / "weights", "half");
        put(place / "thesis.tmp-7-1", "mine");
        QCOMPARE(remove_leftovers_of(place / "out").count, int64_t{1});
        QCOMPARE(names_in(place.path()), Names{"thesis.tmp-7-1"});
    }
};

DAYRUN_TEST(TestTemporary)
#include "test_temporary.moc"
