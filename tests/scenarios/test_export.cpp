// `dayrun export` as a person runs it: it writes over nobody's files, is whole or not there when it
// is killed, and tells what it found in the base.
#include <QElapsedTimer>
#include <QProcess>
#include <QTest>
#include <nlohmann/json.hpp>

#include "core/model/safetensors.h"
#include "tests/scenarios/program.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::CheckpointFiles;
using dayrun::core::TensorToWrite;

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
        m_warnings.clear();
        for (const auto& log : run.events("log")) {
            if (log["level"] == "warning") m_warnings += log["message"].get<std::string>() + "\n";
        }
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
    std::string m_warnings;

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

    // The sample's config ties its head; another one in the weights is used, and everyone says so.
    void a_stored_head_is_told_by_every_command() {
        {
            const auto all = CheckpointFiles::open(sample_base().toStdString());
            std::vector<TensorToWrite> tensors;
            for (const auto& view : all->files()[0]->tensors()) {
                tensors.push_back({view.name, view.dtype, view.shape, view.bytes});
            }
            const auto* const norm = all->find("model.norm.weight");
            const auto* const embedding = all->find("model.embed_tokens.weight");
            std::vector<std::byte> head(embedding->bytes.size());
            for (size_t i = 0; i < head.size(); ++i) head[i] = norm->bytes[i % norm->bytes.size()];
            tensors.push_back({"lm_head.weight", embedding->dtype, embedding->shape, head});
            QVERIFY(dayrun::core::write_safetensors(path("base/model.safetensors"), tensors).ok());
        }
        const auto tells = [](const std::string& text) {
            return text.find("hold another 'lm_head.weight'") != std::string::npos;
        };
        const std::string run = train_once("one");
        QVERIFY2(tells(m_warnings), m_warnings.c_str());
        QVERIFY(tells(run_dayrun({"plan", file("one.yaml")}).output));
        QVERIFY(tells(run_dayrun({"generate", "--model", file("base"), "--prompt-ids", "1,2",
                                  "--max-new-tokens", "1"})
                          .errors));
        QVERIFY(
            tells(run_dayrun({"logprobs", "--model", file("base"), "--rows", file("rows.jsonl")})
                      .errors));
        const auto merged = run_dayrun(to(run, file("p"), file("out")));
        QVERIFY(tells(merged.errors));
        const auto json =
            nlohmann::json::parse(dayrun::core::read_file(path("out/config.json")).value());
        QVERIFY(!json["tie_word_embeddings"].get<bool>());
        QVERIFY(run_dayrun({"export", QString::fromStdString(run), "--project", file("p"), "--out",
                            file("adapter")})
                    .errors.empty());
    }
};

DAYRUN_TEST(TestExport)
#include "test_export.moc"
