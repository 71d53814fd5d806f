// Another base under a run: the finished program goes on with the base that the run began with, and
// merges into it, or says in what the one that it finds differs. Weights are exchanged as a
// download of another version would: same name, same size, same date.
#include <signal.h>

#include <QTemporaryDir>
#include <QTest>
#include <cstring>

#include "core/base/atomic_file.h"
#include "tests/scenarios/program.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::read_file;
using dayrun::core::write_file;

class TestOtherBase : public QObject, private ProgramFolder {
    Q_OBJECT
  private Q_SLOTS:
    void init() {
        make_folder();
        std::filesystem::copy(sample_base().toStdString(), path("base"));
        write("rows.jsonl", token_rows(16, 1));
        write("held.jsonl", token_rows(4, 2));
        write("r.yaml",
              "dayrun: 1\nname: other\nbase: {path: base, dtype: float32}\n"
              "adapter: {lora_rank: 4, lora_alpha: 8}\ndata:\n"
              "- {name: rows, path: rows.jsonl, converter: token_ids, use: train}\n"
              "- {name: held, path: held.jsonl, converter: token_ids, use: validation}\n"
              "tokens: {packing: false}\nbatch: {micro_batch_size: 2, max_steps: 6}\n");
    }

    void continue_refuses_other_weights_and_another_config_data() {
        QTest::addColumn<bool>("weights");
        QTest::newRow("weights") << true;
        QTest::newRow("config.json") << false;
    }
    void continue_refuses_other_weights_and_another_config() {
        QFETCH(bool, weights);
        stop_early();
        weights ? exchange_weights() : change_rope_theta();
        const auto refused = run_dayrun(batch() + QStringList{"--continue"});
        QVERIFY2(refused.exit_code == 1,
                 ("exit code " + std::to_string(refused.exit_code) + " after " +
                  std::to_string(refused.events("step").size()) + " steps over another base")
                     .c_str());
        QVERIFY(refused.events("step").empty());
        const std::string told = refused.events("failed").at(0)["message"].get<std::string>();
        QVERIFY2(told.find("has changed since it began") != std::string::npos, told.c_str());
        QVERIFY2(told.find(weights ? "1 of 56 tensors differs, the first is model.norm.weight"
                                   : "rope_theta was 10000 and is 500000") != std::string::npos,
                 told.c_str());
        restore();
        const auto last = run_dayrun(batch() + QStringList{"--continue"});
        QVERIFY2(last.exit_code == 0, last.errors.c_str());
    }

    void exports_and_answers_compare_too() {
        QVERIFY(run_dayrun(batch()).exit_code == 0);
        const QStringList merge = {"export", "other",  "--project", file("p"),
                                   "--to",   "merged", "--no-loss", "--out"};
        QCOMPARE(run_dayrun(merge + QStringList{file("merged")}).exit_code, 0);
        const QStringList answer = {"generate",  "--model",          file("base"),
                                    "--adapter", adapter(),          "--prompt-ids",
                                    "5,6,7",     "--max-new-tokens", "3"};
        const QStringList rows = {"logprobs", "--model", file("base"),      "--adapter",
                                  adapter(),  "--rows",  file("held.jsonl")};
        for (const QStringList& command : {answer, rows}) {
            const auto right = run_dayrun(command);
            QVERIFY(right.exit_code == 0 && right.errors.empty());
        }
        exchange_weights();
        const auto refused = run_dayrun(merge + QStringList{file("merged_other")});
        QVERIFY2(refused.exit_code == 2, "merged into other weights than the run was trained on");
        QVERIFY2(refused.errors.find("1 of 56 tensors differs") != std::string::npos,
                 refused.errors.c_str());
        QVERIFY(!std::filesystem::exists(path("merged_other")));
        QCOMPARE(run_dayrun(merge + QStringList{file("all_the_same"), "--any-base"}).exit_code, 0);
        for (const QStringList& command : {answer, rows}) {
            const auto told = run_dayrun(command);
            QCOMPARE(told.exit_code, 0);
            QVERIFY2(told.errors.find("was trained on another base") != std::string::npos,
                     told.errors.c_str());
        }
    }

    // The 4-bit weights beside the model are those of the former one.
    void nf4_weights_of_another_base_are_made_again() {
        const QStringList rows = {"logprobs", "--model", file("base"),      "--quantization",
                                  "nf4",      "--rows",  file("held.jsonl")};
        const std::string before = run_dayrun(rows).output;
        exchange_weights("model.layers.0.mlp.up_proj.weight");
        const std::string after = run_dayrun(rows).output;
        QVERIFY2(before != after, "the former base's 4-bit weights were used");
        std::filesystem::remove_all(path("base/.dayrun-cache"));
        QCOMPARE(run_dayrun(rows).output, after);
    }

  private:
    QStringList batch() const {
        return {"--batch", file("r.yaml"), "--project", file("p"), "--threads", "1"};
    }
    /// A run of many steps that Ctrl-C ends at its first ones.
    void stop_early() {
        std::string text = read_file(path("r.yaml")).value();
        text.replace(text.find("max_steps: 6"), 12, "max_steps: 300, epochs: 1000");
        write("r.yaml", text);
        QProcess process;
        process.start(QStringLiteral(DAYRUN_PROGRAM), batch());
        QVERIFY(process.waitForStarted());
        QByteArray seen;
        while (!seen.contains("\"event\":\"step\"")) {
            QVERIFY(process.waitForReadyRead(60'000));
            seen += process.readAllStandardOutput();
        }
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QCOMPARE(finish_program(process).exit_code, 1);
    }
    QString adapter() const {
        const auto runs =
            nlohmann::json::parse(run_dayrun({"runs", "--project", file("p"), "--json"}).output);
        return file("p/" + runs.at(0)["adapter"].get<std::string>());
    }
    /// Another value in one tensor; size and date of the file stay.
    void exchange_weights(const std::string& name = "model.norm.weight") {
        const auto file_path = path("base/model.safetensors");
        std::filesystem::copy_file(file_path, path("kept"));
        const auto date = std::filesystem::last_write_time(file_path);
        const auto read = read_file(file_path);
        QVERIFY(read.ok());
        std::string bytes = *read;
        uint64_t header = 0;
        std::memcpy(&header, bytes.data(), sizeof header);
        const auto tensors = nlohmann::json::parse(bytes.substr(8, header));
        const size_t at = 8 + header + tensors.at(name).at("data_offsets").at(0).get<size_t>();
        bytes[at + 3] = static_cast<char>(bytes[at + 3] ^ 0x01);
        QVERIFY(write_file(file_path, bytes).ok());
        std::filesystem::last_write_time(file_path, date);
    }
    void change_rope_theta() {
        std::filesystem::copy_file(path("base/config.json"), path("kept"));
        auto config = nlohmann::json::parse(read_file(path("base/config.json")).value());
        config["rope_theta"] = 500000.0;
        write("base/config.json", config.dump());
    }
    void restore() {
        const bool has_config = read_file(path("kept")).value().starts_with("{");
        std::filesystem::rename(path("kept"),
                                path(has_config ? "base/config.json" : "base/model.safetensors"));
    }
};

DAYRUN_TEST(TestOtherBase)
#include "test_other_base.moc"
