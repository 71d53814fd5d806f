// Dayrun is started in a folder that somebody else has filled: no code of that folder runs.
#include <QProcess>
#include <QTest>

#include "tests/scenarios/program.h"
#include "tests/support/elf_file.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

class TestCurrentFolder : public QObject, private ProgramFolder {
    Q_OBJECT
  private Q_SLOTS:
    void init() {
        make_folder();
        const auto program = read_elf(DAYRUN_PROGRAM);
        QVERIFY(program);
        QVERIFY(program->needed.size() > 5);
        std::vector<std::string> names = program->needed;
        // What is opened by name while the program runs.
        for (const char* const name :
             {"libcuda.so.1", "libnvidia-ml.so.1", "libdayrun_cuda.so", "libtorch_cuda.so",
              "libdayrun_torch.so", "libtorch_cpu.so", "libc10.so", "libgomp.so.1"}) {
            names.push_back(name);
        }
        for (const std::string& name : names) {
            QVERIFY(QFile::copy(DAYRUN_HOSTILE_LIBRARY, file(name)));
        }
    }

    void its_libraries_are_not_loaded() {
        for (const char* const command : {"--version", "doctor", "runs"}) {
            const auto result = run_here({command});
            QVERIFY2(result.output.find("code of the current folder") == std::string::npos,
                     result.output.c_str());
            QCOMPARE(result.errors.find("error while loading"), std::string::npos);
            QVERIFY(result.exit_code != 66);
        }
        const auto version = run_here({"--version"});
        QCOMPARE(version.exit_code, 0);
        QVERIFY(version.output.starts_with("dayrun "));
    }

    // The stand-in does what a real one would: without it the test above could not fail.
    void the_library_runs_where_it_is_loaded() {
        QProcess process;
        process.setProcessEnvironment(with_library(DAYRUN_HOSTILE_LIBRARY));
        process.start(DAYRUN_PROGRAM, {"--version"});
        QCOMPARE(finish_program(process).exit_code, 66);
    }

  private:
    ProgramResult run_here(const QStringList& arguments) const {
        QProcess process;
        process.setWorkingDirectory(file("."));
        process.start(DAYRUN_PROGRAM, arguments);
        return finish_program(process);
    }
};

DAYRUN_TEST(TestCurrentFolder)
#include "test_current_folder.moc"
