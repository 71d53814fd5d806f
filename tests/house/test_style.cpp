// Habits that no compiler checks: connects with a context, no Qt keywords, nobody ends the process,
// no test waits for a fixed time, no address or path of somebody's machine in what everybody
// builds.
#include <QTest>
#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/house/source_tree.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

// The arguments of the call whose '(' is at `open`, split at its own commas. Literals are blanked.
std::vector<std::string> arguments_at(const std::string& code, std::size_t open) {
    std::vector<std::string> arguments(1);
    int depth = 0;
    for (std::size_t i = open; i < code.size(); ++i) {
        const char c = code[i];
        if (c == '(' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == ']' || c == '}') --depth;
        if (depth == 0) break;
        if (i == open) continue;
        if (c == ',' && depth == 1) {
            arguments.emplace_back();
        } else if (!(std::isspace(static_cast<unsigned char>(c)) && arguments.back().empty())) {
            arguments.back() += c;
        }
    }
    return arguments;
}

// connect(sender, signal, lambda) runs on after its receiver is gone; Qt 6.4 does not refuse it.
std::vector<std::size_t> contextless_connects(const std::string& code) {
    static const std::regex s_connect(R"(\bconnect\s*\()");
    std::vector<std::size_t> found;
    for (std::sregex_iterator it(code.begin(), code.end(), s_connect), end; it != end; ++it) {
        const auto open = static_cast<std::size_t>(it->position() + it->length() - 1);
        const auto arguments = arguments_at(code, open);
        if (arguments.size() >= 3 && arguments[2].rfind('[', 0) == 0) found.push_back(open);
    }
    return found;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

std::size_t line_of(const std::string& text, std::size_t position) {
    return static_cast<std::size_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

// The lines of `files` in whose code `pattern` is found.
std::vector<std::string> found_in_code(const std::vector<SourceFile>& files,
                                       const std::regex& pattern,
                                       const std::set<std::string>& except = {}) {
    std::vector<std::string> found;
    for (const SourceFile& file : files) {
        if (except.count(file.path) != 0) continue;
        const auto code = code_of(file);
        for (std::size_t i = 0; i < code.size(); ++i) {
            if (std::regex_search(code[i], pattern)) found.push_back(at(file, i, file.lines[i]));
        }
    }
    return found;
}

const std::regex kFixedWait(
    R"(\b(qWait|qSleep|sleep|sleep_for|sleep_until|msleep|usleep|nanosleep)\s*\()");

}  // namespace

class TestStyle : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void connects_have_a_context() {
        std::vector<std::string> offenders;
        for (const SourceFile& file : read_sources({"ui", "app"})) {
            const std::string code = joined(code_of(file));
            for (const std::size_t position : contextless_connects(code)) {
                offenders.push_back(at(file, line_of(code, position), "connect without a context"));
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void a_contextless_connect_is_seen() {
        QCOMPARE(contextless_connects("connect(a, &A::b, [x] { f(x, 1); });").size(), 1u);
        QCOMPARE(contextless_connects("connect(a, &A::b,\n   [] {});").size(), 1u);
        QCOMPARE(contextless_connects("connect(a, &A::b, this, [x] { f(); });").size(), 0u);
        QCOMPARE(contextless_connects("connect(g(a, b), &A::b, this, &C::d);").size(), 0u);
        QCOMPARE(contextless_connects("disconnect(a, &A::b, [] {});").size(), 0u);
    }

    void qt_keywords_and_string_connects_are_not_used() {
        const std::regex keywords(
            R"(^\s*(signals|(public|private|protected)\s+slots)\s*:|\bemit\s+\w)"
            R"(|\bforeach\s*\(|\b(SIGNAL|SLOT)\s*\()");
        const auto offenders = found_in_code(read_sources({"ui", "app", "tests"}), keywords);
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    // A window full of work survives every failure; only a broken promise inside Result or CHECK,
    // in a debug build, ends the process.
    void nobody_ends_the_process() {
        const std::regex ends(
            R"((^|[^\w.>:])(std::)?(exit|abort|quick_exit|_exit|terminate)\s*\()");
        const auto offenders = found_in_code(read_sources({"core", "kernels", "ui"}), ends,
                                             {"core/base/result.h", "core/base/check.h"});
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    // A fixed wait is too short on a busy machine and too long on every other: tests wait for what
    // is to happen (QTRY_VERIFY, QSignalSpy, QTest::qWaitFor).
    void no_test_waits_for_a_fixed_time() {
        const auto offenders =
            found_in_code(read_sources({"tests"}), kFixedWait,
                          {// These play something slow: an engine's step, a disk.
                           "tests/support/fake_engine.cpp", "tests/support/slow_saves.cpp"});
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
        // Scripts, also those that stand in literals.
        const std::regex script(R"(\bsleep [0-9.$]|\btime\.sleep\()");
        std::vector<std::string> sleeping;
        for (const SourceFile& file : read_texts()) {
            // That one measures over a stretch of time, which is a wait.
            const bool measures = file.path == "tests/bench/busy_threads.sh";
            if (!file.is_under("tests/") || measures) continue;
            for (std::size_t i = 0; i < file.lines.size(); ++i) {
                if (std::regex_search(file.lines[i], script)) {
                    sleeping.push_back(at(file, i, file.lines[i]));
                }
            }
        }
        QVERIFY2(sleeping.empty(), listed(sleeping).c_str());
    }

    void a_fixed_wait_is_seen() {
        const auto is_seen = [](const char* code) { return std::regex_search(code, kFixedWait); };
        QVERIFY(is_seen("QTest::qWait(250);"));
        QVERIFY(is_seen("std::this_thread::sleep_for(kStep);"));
        QVERIFY(is_seen("::usleep(10)"));
        QVERIFY(is_seen("QThread::msleep (5);"));
        QVERIFY(!is_seen("QTest::qWaitFor([] { return true; }, 100);"));
        QVERIFY(!is_seen("script->sleep_ms = 5;"));
    }

    void the_build_names_no_host() {
        const std::regex url(R"([a-z]+://)");
        std::vector<std::string> offenders;
        for (const SourceFile& file : read_texts()) {
            const bool is_build = file.is_under("packaging/") || file.is_under(".ci/") ||
                                  file.path == "run" || file.path == "test" ||
                                  file.path.find("CMake") != std::string::npos;
            if (!is_build) continue;
            for (std::size_t i = 0; i < file.lines.size(); ++i) {
                if (std::regex_search(file.lines[i], url)) {
                    offenders.push_back(at(file, i, "an address; the configured index is used"));
                }
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void no_path_of_one_machine() {
        // Written in two halves, so that this file does not find itself.
        const std::regex path(
            "(^|[^\\w.])/(wo"
            "rk|ro"
            "ot|ho"
            "me)/");
        std::vector<std::string> offenders;
        for (const SourceFile& file : read_texts()) {
            // There a leading slash means the folder of the .gitignore itself.
            if (std::filesystem::path(file.path).filename() == ".gitignore") continue;
            for (std::size_t i = 0; i < file.lines.size(); ++i) {
                if (std::regex_search(file.lines[i], path)) {
                    offenders.push_back(at(file, i, file.lines[i].substr(0, 120)));
                }
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void comments_and_literals_are_no_code() {
        const SourceFile file{.path = "x.cpp",
                              .lines = {"int a; // emit b", "f(\"exit(1)\"); /* abort(",
                                        "abort( */ int c;", "auto d = 1'000'000; exit(2);"}};
        const auto code = code_of(file);
        QCOMPARE(code[0].find("emit"), std::string::npos);
        QCOMPARE(code[1].find("exit"), std::string::npos);
        QCOMPARE(code[2].find("abort"), std::string::npos);
        QVERIFY(code[2].find("int c;") != std::string::npos);
        QVERIFY(code[3].find("exit(2)") != std::string::npos);
    }
};

DAYRUN_TEST(TestStyle)
#include "test_style.moc"
