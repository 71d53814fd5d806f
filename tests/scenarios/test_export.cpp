// `dayrun export` as a person runs it: it writes over nobody's files, and is whole or not there
// when it is killed.
#include <QElapsedTimer>
#include <QProcess>
#include <QTest>

#include "core/model/safetensors.h"
#include "tests/scenarios/program.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::CheckpointFiles;

class TestExport : public QObject, ProgramFolder {
    Q_OBJECT

    /// Trains one step on the sample's base; the id of the run.
    std::string train_once(const char* name) {
        write("rows.jsonl", "{\"input_ids\": [1, 2, 3, 4, 5]}\n{\"input_ids\": [1, 7, 8, 9]}\n");
        write(std::string(name) + ".yaml",
              std::string("dayrun: 1\nname: ") + name + "\nbase: {path: " + path("base").string() +
                  "}\nadapter: {lora_rank: 4}\ndata:\n- {name: rows, path: " +
                  path("rows.jsonl").string() +
                  ", converter: token_ids, use: train}\nbatch: {max_steps: 1}\n");
        const auto run =
            run_dayrun({"--batch", file(std::string(name) + ".yaml"), "--project", file("p")});
        if (run.exit_code != 0) qWarning("%s", run.errors.c_str());
        return run.events("finished").at(0)["run_id"];
    }
    std::string adapter_of(const std::string& run) const {
        return dayrun::core::read_file(path("p/runs") / run / "adapter/adapter_model.safetensors")
            .value();
    }
    static QStringList to(const std::string& run, const QString& project, const QString& out) {
        return {"export",    QString::fromStdString(run),
                "--project", project,
                "--no-loss", "--to",
                "merged",    "--out",
                out};
    }

  private Q_SLOTS:
    void init() {
        make_folder();
        std::filesystem::create_directories(path("base"));
        for (const char* name : {"config.json", "model.safetensors"}) {
            std::filesystem::copy(sample_base().toStdString() + "/" + name, path("base") / name);
        }
    }

    void nobodys_files_are_written_over() {
        const std::string one = train_once("one"), two = train_once("two");
        const std::string before = adapter_of(two);
        const QString other = file("p/runs/" + two + "/adapter");
        const QStringList onto_another{
            "export", QString::fromStdString(one), "--project", file("p"), "--out", other};
        const auto refused = run_dayrun(onto_another);
        QCOMPARE(refused.exit_code, 2);
        QVERIFY2(refused.errors.find("keeps its own files") != std::string::npos,
                 refused.errors.c_str());
        QVERIFY(adapter_of(two) == before);
        for (const QString& out : {file("p"), file("base")}) {
            QCOMPARE(run_dayrun(to(one, file("p"), out)).exit_code, 2);
        }
        QVERIFY(!std::filesystem::exists(path("p/config.json")));
        // Its own adapter and base not even by force.
        for (const std::string& own : {"p/runs/" + one + "/adapter", std::string("base")}) {
            const auto forced = run_dayrun(to(one, file("p"), file(own)) + QStringList{"--force"});
            QCOMPARE(forced.exit_code, 2);
            QVERIFY(forced.errors.find("which the export reads") != std::string::npos);
        }
        write("mine/model.safetensors", "PRECIOUS");
        QCOMPARE(run_dayrun(to(one, file("p"), file("mine"))).exit_code, 2);
        QCOMPARE(dayrun::core::read_file(path("mine/model.safetensors")).value(),
                 std::string("PRECIOUS"));
        QCOMPARE(run_dayrun(to(one, file("p"), file("mine")) + QStringList{"--force"}).exit_code,
                 0);
        // What is an export is replaced by the next without a question.
        QCOMPARE(run_dayrun(to(two, file("p"), file("mine"))).exit_code, 0);
        QVERIFY(CheckpointFiles::open(path("mine")).ok());
        QCOMPARE(run_dayrun(onto_another + QStringList{"--force"}).exit_code, 0);
        QVERIFY(adapter_of(two) == adapter_of(one));
    }

    // Whenever it is killed: what opens is whole, and the next export needs no clearing up.
    void a_killed_export_leaves_nothing_half() {
        const std::string run = train_once("one");
        const auto folder = path("out");
        for (int attempt = 0; attempt < 6; ++attempt) {
            QProcess process;
            process.start(QStringLiteral(DAYRUN_PROGRAM), to(run, file("p"), file("out")));
            QVERIFY(process.waitForStarted());
            QElapsedTimer since;
            since.start();
            const std::string staging =
                ".dayrun-export.tmp-" + std::to_string(process.processId()) + "-";
            const auto is_at_work = [&] {
                std::error_code ignored;
                for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
                    if (entry.path().filename().string().starts_with(staging)) return true;
                }
                return false;
            };
            while (!is_at_work() && since.elapsed() < 20000 &&
                   process.state() == QProcess::Running) {
                process.waitForFinished(1);
            }
            // Later and later into its work.
            if (attempt > 0) process.waitForFinished(attempt * 4);
            process.kill();
            process.waitForFinished();
            if (!std::filesystem::exists(folder / "config.json")) continue;
            QVERIFY(CheckpointFiles::open(folder).ok());
        }
        const auto last = run_dayrun(to(run, file("p"), file("out")));
        QVERIFY2(last.exit_code == 0, last.errors.c_str());
        QVERIFY(CheckpointFiles::open(folder).ok());
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            QVERIFY2(entry.path().string().find(".tmp-") == std::string::npos,
                     entry.path().c_str());
        }
    }
};

DAYRUN_TEST(TestExport)
#include "test_export.moc"
