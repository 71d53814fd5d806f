// The files and folders that comments and documents name must be there: a folder that moves takes
// its readers along.
#include <QTest>
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "tests/house/source_tree.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

namespace fs = std::filesystem;

const std::set<std::string> kRooms = {"app",       "core",      "docs",  "kernels",
                                      "packaging", "resources", "tests", "ui"};
const std::set<std::string> kSourceEndings = {".h", ".cpp", ".cu", ".cuh", ".inc"};
const std::set<std::string> kOtherEndings = {".md", ".sh", ".cmake", ".sql", ".py"};

const std::set<std::string> kElsewhere = {
    // Papers on what the program promises, beside the reference data in ../shared.
    "adapters.md", "contracts.md", "house.md", "promises.md",
    // What the program writes.
    "export.md", "report.md",
    // A library's.
    "sqlite3.h"};

bool is_path_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_./-+<>*{}$:~").find(c) != std::string_view::npos;
}

/// The words of `text` that may be paths, without the stops and slashes at their end.
std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        while (end < text.size() && is_path_character(text[end])) ++end;
        std::string word = text.substr(begin, end - begin);
        while (!word.empty() && std::string_view("./:-").find(word.back()) != std::string::npos) {
            word.pop_back();
        }
        if (word.rfind("./", 0) == 0) word.erase(0, 2);
        if (!word.empty()) words.push_back(std::move(word));
        begin = std::max(end, begin + 1);
    }
    return words;
}

/// True for what names a file or folder of the project: it begins with a room, or its end is that
/// of a source, a script or a document. Placeholders (<op>, *, {a,b}, $NAME, OUT/x.md), bare
/// endings (.cpp, _slow.cpp), addresses and paths outside the project do not.
bool names_a_path(const std::string& word) {
    if (word.find_first_of("<>*{}$:~+") != std::string::npos) return false;
    if (word.front() == '.' || word.front() == '/' || word.front() == '_') return false;
    const std::string first = word.substr(0, word.find('/'));
    if (first.size() != word.size() && kRooms.count(first) != 0) return true;
    const bool is_placeholder = std::all_of(
        first.begin(), first.end(), [](unsigned char c) { return std::isupper(c) || c == '_'; });
    if (is_placeholder) return false;
    const std::string ending = fs::path(word).extension().string();
    return kSourceEndings.count(ending) != 0 || kOtherEndings.count(ending) != 0;
}

/// All that a comment may call the project's files and folders: by the whole path or by its end,
/// and sources without their ending too (header and body are one file).
class KnownPaths {
  public:
    explicit KnownPaths(const std::vector<std::string>& paths) {
        for (const std::string& path : paths) {
            add(path);
            const fs::path whole(path);
            if (kSourceEndings.count(whole.extension().string()) != 0) {
                add(fs::path(whole).replace_extension().generic_string());
            }
            for (fs::path folder = whole.parent_path(); !folder.empty();) {
                add(folder.generic_string());
                folder = folder.parent_path();
            }
        }
    }

    bool knows(const std::string& word) const { return m_ends.count(word) != 0; }

  private:
    void add(const std::string& path) {
        m_ends.insert(path);
        for (std::size_t i = path.find('/'); i != std::string::npos; i = path.find('/', i + 1)) {
            m_ends.insert(path.substr(i + 1));
        }
    }

    std::set<std::string> m_ends;
};

/// What `text` names and nobody has.
std::vector<std::string> stale_paths(const std::string& text, const KnownPaths& known) {
    std::vector<std::string> stale;
    for (const std::string& word : words_of(text)) {
        if (names_a_path(word) && kElsewhere.count(word) == 0 && !known.knows(word)) {
            stale.push_back(word);
        }
    }
    return stale;
}

bool has_words_for_people(const SourceFile& file) {
    const std::string ending = file.extension();
    const std::string name = fs::path(file.path).filename().string();
    return kSourceEndings.count(ending) != 0 || kOtherEndings.count(ending) != 0 ||
           name == "CMakeLists.txt" || name == "run" || name == "test";
}

}  // namespace

class TestPaths : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void comments_and_documents_name_what_is_there() {
        const std::vector<SourceFile> texts = read_texts();
        std::vector<std::string> paths;
        for (const SourceFile& file : texts) paths.push_back(file.path);
        for (const auto& entry : fs::recursive_directory_iterator(DAYRUN_SOURCE_DIR "/docs")) {
            paths.push_back(fs::relative(entry.path(), DAYRUN_SOURCE_DIR).generic_string());
        }
        const KnownPaths known(paths);
        std::vector<std::string> offenders;
        for (const SourceFile& file : texts) {
            // The house tests name paths that no one may have.
            if (!has_words_for_people(file) || file.is_under("tests/house/")) continue;
            const auto comments = comments_of(file);
            for (std::size_t i = 0; i < comments.size(); ++i) {
                for (const std::string& path : stale_paths(comments[i], known)) {
                    offenders.push_back(at(file, i, path + " is not there"));
                }
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void stale_paths_are_seen_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("stale");
        const auto row = [](const char* text, const char* stale) {
            QTest::newRow(text) << text << stale;
        };
        row("Neighbour: core/run/old.h.", "core/run/old.h");
        row("see `core/gone/`, and core/run", "core/gone");
        row("run/old.cpp reads it", "run/old.cpp");
        row("old.h's rows; [text](docs/old.md)", "old.h docs/old.md");
        row("engine.h, run/engine.cpp, core/run/engine, core/run/.", "");
        row("kernels/<op>/<op>_cpu.cpp, test_<file>.cpp, core/*.h, OUT/export.md", "");
        row("the .cpp, _slow.cpp, https://host/a.md, ../shared/a.md, <vector.h>", "");
        row("dayrun::core::run and and/or", "");
    }
    void stale_paths_are_seen() {
        QFETCH(QString, text);
        QFETCH(QString, stale);
        const KnownPaths known({"core/run/engine.h", "core/run/engine.cpp"});
        QString found;
        for (const std::string& path : stale_paths(text.toStdString(), known)) {
            found += (found.isEmpty() ? "" : " ") + QString::fromStdString(path);
        }
        QCOMPARE(found, stale);
    }

    void comments_are_read() {
        const SourceFile source{.path = "x.cpp",
                                .lines = {"f(\"// a.h\"); // b.h", "/* c.h", "d.h */ e();"}};
        const auto comments = comments_of(source);
        QCOMPARE(comments[0].find("a.h"), std::string::npos);
        QVERIFY(comments[0].find("b.h") != std::string::npos);
        QVERIFY(comments[1].find("c.h") != std::string::npos);
        QVERIFY(comments[2].find("d.h") != std::string::npos);
        QCOMPARE(comments[2].find("e()"), std::string::npos);
        const SourceFile script{.path = "x.sh", .lines = {"echo ${a#b.sh} # c.sh"}};
        QCOMPARE(comments_of(script)[0], std::string("# c.sh"));
    }
};

DAYRUN_TEST(TestPaths)
#include "test_paths.moc"
