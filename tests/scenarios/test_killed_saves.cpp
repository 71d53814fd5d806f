// Ctrl-C twice while a point is being saved: the program ends at once, what it was writing is no
// resume point, and --continue goes on.
#include <signal.h>

#include <QDir>
#include <QTest>

#include "tests/scenarios/program.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

class TestKilledSaves : public QObject, private ProgramFolder {
    Q_OBJECT
  private Q_SLOTS:
    void initTestCase() {
        make_folder();
        write("rows.jsonl", token_rows(16, 1));
        write("r.yaml", "dayrun: 1\nname: killed\nbase: {path: " + sample_base().toStdString() +
                            ", dtype: float32}\nadapter: {lora_rank: 4, lora_alpha: 8}\ndata:\n"
                            "- {name: rows, path: rows.jsonl, converter: token_ids, use: train}\n"
                            "tokens: {packing: false}\ncheckpoint: {keep: 1}\n"
                            "batch: {micro_batch_size: 2, max_steps: 200, epochs: 10000}\n");
    }

    void a_run_goes_on_after_each_of_them() {
        QStringList arguments = {"--batch", file("r.yaml"), "--project",
                                 file("p"), "--threads",    "1"};
        for (int round = 0; round < 3; ++round) {
            QProcess process;
            process.setProcessEnvironment(with_library(DAYRUN_SLOW_SAVES));
            process.start(QStringLiteral(DAYRUN_PROGRAM), arguments);
            QVERIFY2(wait_for_step(process), process.readAllStandardError());
            const auto press = [&] { ::kill(static_cast<pid_t>(process.processId()), SIGINT); };
            press();
            QTRY_VERIFY_WITH_TIMEOUT(!leftovers().isEmpty(), 20'000);
            press();
            const auto result = finish_program(process);
            QCOMPARE(result.exit_code, 1);
            // Otherwise the save was done before the program ended, and nothing was tried.
            QVERIFY(!leftovers().isEmpty());
            if (round == 0) arguments << "--continue";
        }
        const auto end = run_dayrun(arguments);
        QVERIFY2(end.exit_code == 0, end.errors.c_str());
        QCOMPARE(end.events("finished").at(0)["state"].get<std::string>(), std::string("Finished"));
        QVERIFY2(end.output.find("half-written") != std::string::npos, end.output.c_str());
        QVERIFY(leftovers().isEmpty());
        QVERIFY(QFile::exists(run_folder() + "/adapter/adapter_model.safetensors"));
    }

  private:
    QString run_folder() const {
        const QDir runs(file("p/runs"));
        const QStringList names = runs.entryList(QDir::Dirs | QDir::NoDotAndDotDot);
        return names.isEmpty() ? QString() : runs.filePath(names.first());
    }
    QStringList leftovers() const {
        return QDir(run_folder() + "/checkpoints")
            .entryList({"*.tmp-*", "*.unfinished*"}, QDir::Dirs);
    }
    static bool wait_for_step(QProcess& process) {
        QByteArray output;
        while (process.waitForReadyRead(120'000)) {
            output += process.readAllStandardOutput();
            if (output.contains("\"event\":\"step\"")) return true;
        }
        return false;
    }
};

DAYRUN_TEST(TestKilledSaves)
#include "test_killed_saves.moc"
