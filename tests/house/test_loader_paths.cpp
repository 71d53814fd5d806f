// Whose code runs: no program and no shared object of the build, and no script that starts one,
// lets the loader look for libraries in the current folder. A library that lies in a foreign folder
// would run as soon as somebody starts Dayrun there.
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/house/source_tree.h"
#include "tests/support/elf_file.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

namespace fs = std::filesystem;

// What one file would load from the current folder, as lines for the report.
std::vector<std::string> faults_of(const fs::path& path, const ElfFile& file) {
    std::vector<std::string> faults;
    for (const std::string& search_path : file.paths) {
        for (const std::string& folder : relative_folders(search_path)) {
            faults.push_back(path.string() + ": '" + folder + "' in " + search_path);
        }
    }
    for (const std::string& name : file.needed) {
        const bool is_relative = name.find('/') != std::string::npos && !name.starts_with('/');
        if (is_relative) faults.push_back(path.string() + " needs " + name);
    }
    return faults;
}

const QString kBundle = QStringLiteral(DAYRUN_SOURCE_DIR "/packaging/gpu-bundle");

void make_python(const QTemporaryDir& folder, const QString& does) {
    const QString path = folder.filePath("python3");
    std::ofstream(path.toStdString()) << "#!/bin/sh\n" << does.toStdString() << "\n";
    QVERIFY(QFile::setPermissions(path, QFile::ReadOwner | QFile::WriteOwner | QFile::ExeOwner));
}

}  // namespace

class TestLoaderPaths : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void relative_folders_are_seen() {
        const std::string origin = "$ORIGIN/../lib:${ORIGIN}:/usr/lib";
        QVERIFY(relative_folders(origin).empty());
        QCOMPARE(relative_folders(""), std::vector<std::string>{""});
        QCOMPARE(relative_folders("/a:"), std::vector<std::string>{""});
        QCOMPARE(relative_folders("/a::/b"), std::vector<std::string>{""});
        QCOMPARE(relative_folders(":/a"), std::vector<std::string>{""});
        QCOMPARE(relative_folders("/a:lib:./b"), (std::vector<std::string>{"lib", "./b"}));
        QCOMPARE(relative_folders("$ORIGINAL/lib"), std::vector<std::string>{"$ORIGINAL/lib"});
        const ElfFile file{.needed = {"libc.so.6", "/abs/libx.so", "lib/liby.so"},
                           .paths = {"/a:"}};
        QCOMPARE(faults_of("p", file).size(), 2u);
    }

    void no_binary_of_the_build_looks_in_the_current_folder() {
        std::vector<std::string> faults;
        std::set<fs::path> seen;
        for (const auto& entry : fs::recursive_directory_iterator(DAYRUN_BUILD_DIR)) {
            if (!entry.is_regular_file() || entry.is_symlink()) continue;
            try {
                const auto file = read_elf(entry.path());
                if (!file) continue;
                for (const std::string& fault : faults_of(entry.path(), *file)) {
                    faults.push_back(fault);
                }
                if (!file->needed.empty()) seen.insert(entry.path());
            } catch (const std::exception& error) {
                faults.push_back(entry.path().string() + ": " + error.what());
            }
        }
        QVERIFY2(faults.empty(),
                 ("build these again, or remove what is left of a former build:" + listed(faults))
                     .c_str());
        for (const char* const expected : DAYRUN_BINARIES) {
            QVERIFY2(seen.count(expected) == 1, (std::string(expected) + " is not built").c_str());
        }
    }

    void the_bundle_names_no_current_folder_data() {
        QTest::addColumn<QString>("former");
        QTest::addColumn<QString>("kept");
        QTest::newRow("not set") << QString() << "";
        QTest::newRow("empty") << ""
                               << "";
        QTest::newRow("empty at the end") << "/a:"
                                          << ":/a";
        QTest::newRow("empty at the begin") << ":/a"
                                            << ":/a";
        QTest::newRow("empty between") << "/a::/b"
                                       << ":/a:/b";
        QTest::newRow("relative") << "lib:/a:./b;/c;"
                                  << ":/a:/c";
    }
    void the_bundle_names_no_current_folder() {
        QFETCH(QString, former);
        QFETCH(QString, kept);
        // A Python that has no torch, and one that has.
        for (const QString& site : {QString(), QString(":/site/torch/lib:/site/nvidia/lib")}) {
            const QTemporaryDir folder;
            make_python(folder, site.isEmpty() ? QString("exit 1") : "echo " + site.mid(1));
            QProcess shell;
            QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
            environment.insert("PATH", folder.path() + ":" + environment.value("PATH"));
            environment.remove("LD_LIBRARY_PATH");
            if (!former.isNull()) environment.insert("LD_LIBRARY_PATH", former);
            shell.setProcessEnvironment(environment);
            shell.start("bash", {"-euo", "pipefail", "-c",
                                 "source \"$1\" && printf %s \"$LD_LIBRARY_PATH\"", "bash",
                                 kBundle + "/environment.sh"});
            QVERIFY(shell.waitForFinished());
            const QString found = shell.readAllStandardOutput();
            QVERIFY2(relative_folders(found.toStdString()).empty(), qPrintable(found));
            QCOMPARE(found, QFileInfo(kBundle).canonicalFilePath() + "/lib" + site +
                                ":/usr/local/cuda/lib64" + kept);
        }
    }

    // `python3 -` and `python3 -m` take modules from the current folder first.
    void the_bundle_takes_no_module_of_the_current_folder() {
        const QTemporaryDir folder;
        for (const char* const module : {"glob.py", "os.py", "torch.py"}) {
            std::ofstream(folder.filePath(module).toStdString()) << "open('ran', 'w')\n";
        }
        QProcess shell;
        shell.setWorkingDirectory(folder.path());
        shell.start("bash", {"-c", "source \"$1\"", "bash", kBundle + "/environment.sh"});
        QVERIFY(shell.waitForFinished());
        QVERIFY(!QFile::exists(folder.filePath("ran")));
    }

    void the_set_up_takes_no_module_of_the_current_folder() {
        const QTemporaryDir folder;
        std::ofstream(folder.filePath("pip.py").toStdString()) << "open('ran', 'w')\n";
        QProcess shell;
        shell.setWorkingDirectory(folder.path());
        shell.start("bash", {"-c", "source \"$1/common.sh\"; source \"$1/wheels.sh\"; find_python",
                             "bash", DAYRUN_SOURCE_DIR "/packaging/setup"});
        QVERIFY(shell.waitForFinished());
        QVERIFY(!QFile::exists(folder.filePath("ran")));
    }
};

DAYRUN_TEST(TestLoaderPaths)
#include "test_loader_paths.moc"
