// Names and sizes of files and folders, and how each file begins.
#include <QTest>
#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "tests/house/source_tree.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

constexpr std::size_t kMostLines = 600;
// What one glance takes in.
constexpr std::size_t kMostFilesInFolder = 15;

}  // namespace

class TestFiles : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void initTestCase() {
        m_files = read_sources({"app", "core", "kernels", "ui", "tests"});
        QVERIFY2(m_files.size() > 100, "the test reads no files");
        // The hottest arithmetic stands in .inc files, compiled once per instruction set.
        for (const char* const extension : {".h", ".cpp", ".inc"}) {
            QVERIFY2(
                std::any_of(m_files.begin(), m_files.end(),
                            [&](const SourceFile& file) { return file.extension() == extension; }),
                extension);
        }
    }

    void names_are_lower_snake() {
        static const std::regex s_name(R"([a-z0-9]+(_[a-z0-9]+)*\.(h|cpp|cu|cuh|inc))");
        std::vector<std::string> offenders;
        for (const SourceFile& file : m_files) {
            const std::string name = std::filesystem::path(file.path).filename().string();
            if (!std::regex_match(name, s_name)) offenders.push_back(file.path);
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void files_are_short() {
        std::vector<std::string> offenders;
        for (const SourceFile& file : m_files) {
            if (file.lines.size() > kMostLines) {
                offenders.push_back(file.path + ": " + std::to_string(file.lines.size()) +
                                    " lines");
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    // A header and its body count as one file: one purpose, two halves. Test folders mirror a room
    // file by file and may be as large as it is.
    void folders_are_small() {
        std::map<std::string, std::set<std::string>> stems;
        for (const SourceFile& file : m_files) {
            if (file.room() == "tests") continue;
            stems[file.folder()].insert(std::filesystem::path(file.path).stem().string());
        }
        std::vector<std::string> offenders;
        for (const auto& [folder, names] : stems) {
            // One file per known data set, however many there are.
            if (folder == "core/data/converters") continue;
            if (names.size() > kMostFilesInFolder) {
                offenders.push_back(folder + ": " + std::to_string(names.size()) + " files");
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void every_file_says_its_job_first() {
        std::vector<std::string> offenders;
        for (const SourceFile& file : m_files) {
            if (file.lines.empty() || file.lines[0].rfind("// ", 0) != 0) {
                offenders.push_back(at(file, 0, "no opening comment"));
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

    void headers_guard_with_pragma_once() {
        std::vector<std::string> offenders;
        for (const SourceFile& file : m_files) {
            if (file.extension() != ".h" && file.extension() != ".cuh") continue;
            if (std::count(file.lines.begin(), file.lines.end(), "#pragma once") != 1) {
                offenders.push_back(file.path);
            }
        }
        QVERIFY2(offenders.empty(), listed(offenders).c_str());
    }

  private:
    std::vector<SourceFile> m_files;
};

DAYRUN_TEST(TestFiles)
#include "test_files.moc"
