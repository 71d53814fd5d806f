// The program without its libtorch plug-in: what reads, plans and compares works as ever, and what
// would train says in one sentence what is missing.
#include <QProcess>
#include <QTest>
#include <filesystem>

#include "tests/scenarios/program.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

class TestWithoutLibtorch : public QObject, private ProgramFolder {
    Q_OBJECT
  private Q_SLOTS:
    // The program alone: its plug-ins are looked for beside it.
    void init() {
        make_folder();
        std::filesystem::create_directory(path("bin"));
        std::filesystem::copy_file(DAYRUN_PROGRAM, path("bin/dayrun"));
        write("rows.jsonl",
              "{\"instruction\": \"Say red.\", \"input\": \"\", \"output\": \"red\"}\n"
              "{\"instruction\": \"Say blue.\", \"input\": \"\", \"output\": \"blue\"}\n");
        write("recipe.yaml", "dayrun: 1\nname: alone\nbase: {path: " + sample_base().toStdString() +
                                 "}\ndata:\n  - {name: rows, path: rows.jsonl}\n"
                                 "batch: {max_steps: 1}\n");
    }

    void what_needs_no_engine_works() {
        QCOMPARE(run({"--version"}).exit_code, 0);
        for (const QStringList& arguments : {QStringList{"plan", file("recipe.yaml")},
                                             {"data", "compile", file("recipe.yaml")},
                                             {"new", file("project")},
                                             {"runs", "--project", file("project")}}) {
            const ProgramResult result = run(arguments);
            QVERIFY2(result.exit_code == 0,
                     (arguments.join(' ').toStdString() + ": " + result.errors).c_str());
        }
        QVERIFY(run({"plan", file("recipe.yaml")}).output.find("libtorch") != std::string::npos);
    }

    void a_batch_says_what_is_missing() {
        const ProgramResult result =
            run({"--batch", file("recipe.yaml"), "--project", file("project"), "--device", "cpu"});
        QCOMPARE(result.exit_code, 1);
        // One sentence, and the last.
        QVERIFY2(result.errors.ends_with("failed: The libtorch plug-in libdayrun_torch.so is not "
                                         "beside the program. Build or install Dayrun again.\n"),
                 result.errors.c_str());
    }

    void doctor_names_it() {
        const ProgramResult result = run({"doctor"});
        QCOMPARE(result.exit_code, 0);
        QVERIFY(result.output.find("libtorch plug-in") != std::string::npos);
    }

    void a_variable_must_name_a_file_absolutely() {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        for (const char* const wrong : {"/nowhere/libdayrun_torch.so", "recipe.yaml"}) {
            environment.insert("DAYRUN_TORCH_PLUGIN", wrong);
            QProcess process;
            process.setWorkingDirectory(file("."));
            process.setProcessEnvironment(environment);
            process.start(DAYRUN_PROGRAM, {"doctor"});
            const ProgramResult result = finish_program(process);
            QVERIFY2(result.output.find("DAYRUN_TORCH_PLUGIN") != std::string::npos,
                     result.output.c_str());
        }
    }

    // A library that is no plug-in is refused, not called.
    void another_library_is_of_another_version() {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("DAYRUN_TORCH_PLUGIN", DAYRUN_SLOW_SAVES);
        QProcess process;
        process.setProcessEnvironment(environment);
        process.start(DAYRUN_PROGRAM, {"doctor"});
        const ProgramResult result = finish_program(process);
        QVERIFY2(result.output.find("is of another version") != std::string::npos,
                 result.output.c_str());
    }

  private:
    ProgramResult run(const QStringList& arguments) const {
        return run_program(file("bin/dayrun"), arguments);
    }
};

DAYRUN_TEST(TestWithoutLibtorch)
#include "test_without_libtorch.moc"
