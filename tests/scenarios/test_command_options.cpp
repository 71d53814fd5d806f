// Options of the command line from outside: each is read or refused, every help has its example,
// and what a run does when the terminal or the reader of its events goes away.
#include <signal.h>

#include <QDir>
#include <QTemporaryDir>
#include <QTest>
#include <cmath>

#include "core/base/atomic_file.h"
#include "tests/scenarios/program.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::write_file;

class TestCommandOptions : public QObject, private ProgramFolder {
    Q_OBJECT
  private Q_SLOTS:
    void init() {
        make_folder();
        QVERIFY(write_file(path("rows.jsonl"), token_rows(16, 1)).ok());
        write_recipe("r.yaml", "max_steps: 4");
    }

    void every_help_has_its_own_example() {
        for (const QStringList& command : {QStringList{"new"},
                                           {"recipe", "check"},
                                           {"recipe", "explain"},
                                           {"recipe", "diff"},
                                           {"data", "inspect"},
                                           {"data", "compile"},
                                           {"plan"},
                                           {"tokenize"},
                                           {"detokenize"},
                                           {"generate"},
                                           {"logprobs"},
                                           {"runs"},
                                           {"show"},
                                           {"compare"},
                                           {"export"},
                                           {"doctor"}}) {
            const auto help = run_dayrun(command + QStringList{"--help"});
            const std::string example = "Example: dayrun " + command.join(' ').toStdString();
            QVERIFY2(help.output.find(example) != std::string::npos, help.output.c_str());
            QVERIFY2(help.output.find("--threads") != std::string::npos, example.c_str());
        }
    }

    void what_would_not_be_read_is_refused_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("said");
        const QString recipe = "DIR/r.yaml", out = "DIR/out";
        const auto row = [](const char* name, const QStringList& arguments, const char* said) {
            QTest::newRow(name) << arguments << QString::fromUtf8(said);
        };
        row("plan, wrong device", {"plan", recipe, "--device", "gpu"}, "'gpu' is not a device");
        row("dry run, wrong device", {"--batch", recipe, "--dry-run", "--device", "gpu"},
            "'gpu' is not a device");
        row("two commands", {"doctor", "--batch", recipe}, "doctor excludes --batch");
        row("no GGUF", {"export", "x", "--to", "gguf", "--out", out},
            "writing GGUF does not exist yet");
        row("no such format", {"export", "x", "--to", "zip", "--out", out}, "'zip' is no format");
        row("dtype without a merge",
            {"export", "x", "--to", "peft", "--dtype", "bfloat16", "--out", out},
            "--dtype belongs to a merge");
        row("merge-into without a merge",
            {"export", "x", "--to", "nf4", "--merge-into", "original", "--out", out},
            "--merge-into belongs to a merge");
        row("no adapter to copy",
            {"export", "--model", sample_base(), "--adapter", "DIR/none", "--out", out},
            "none/adapter_config.json' cannot be read");
        row("no rows", {"logprobs", "--model", sample_base(), "--rows", "DIR/none"},
            "cannot be read: No such file or directory");
        row("ids of another tokenizer", {"detokenize", "--model", sample_base(), "5", "4096"},
            "The id 4096 is none of this tokenizer's, which are 0 to 1023.");
        row("no such id", {"generate", "--model", sample_base(), "--prompt-ids", "4096"},
            "the base has 1024 ids. Ids are 0 to 1023.");
    }

    void what_would_not_be_read_is_refused() {
        QFETCH(QStringList, arguments);
        QFETCH(QString, said);
        arguments.replaceInStrings("DIR", QString::fromStdString(path("").string()));
        const auto result = run_dayrun(arguments);
        QCOMPARE(result.exit_code, 2);
        QVERIFY2(result.errors.find(said.toStdString()) != std::string::npos,
                 result.errors.c_str());
    }

    void a_queue_is_told_as_one_document_and_faults_with_their_place() {
        write("q.yaml",
              "runs:\n  - {recipe: r.yaml, name: a}\n  - {recipe: r.yaml, name: b, set: "
              "{base.path: nowhere}}\n");
        const auto plans = run_dayrun({"--batch", file("q.yaml"), "--dry-run", "--json"});
        QCOMPARE(plans.exit_code, 1);
        const auto document = nlohmann::json::parse(plans.output);
        QCOMPARE(document["plans"].size(), size_t{2});
        QVERIFY(document["plans"][0]["missing"].empty() &&
                !document["plans"][1]["missing"].empty());
        const auto text = run_dayrun({"--batch", file("q.yaml"), "--dry-run"});
        QVERIFY(text.output.find("a: can start\n") != std::string::npos);
        QVERIFY(text.output.find("b: cannot start before") != std::string::npos);
        write("bad.yaml", "runs:\n  - {recipe: r.yaml, set: {adapter.lora_rnk: 2}}\n");
        const auto bad = run_dayrun({"--batch", file("bad.yaml")});
        QCOMPARE(bad.exit_code, 2);
        QVERIFY2(bad.errors.find("bad.yaml:2:5: There is no setting 'adapter.lora_rnk'. Did you "
                                 "mean 'adapter.lora_rank'?") != std::string::npos,
                 bad.errors.c_str());
    }

    void what_is_finished_is_told_as_it_was() {
        const QStringList batch{"--batch", file("r.yaml"), "--project", file("p")};
        const auto run = run_dayrun(batch);
        const auto again = run_dayrun(batch + QStringList{"--continue"});
        QVERIFY(again.events("step").empty());
        QVERIFY(again.events("finished").at(0) == run.events("finished").at(0));
    }

    // A loss of 0 would say that the model is perfect.
    void rows_without_a_supervised_token_have_no_loss() {
        QVERIFY(write_file(path("masked.jsonl"),
                           "{\"input_ids\":[5,6,7],\"labels\":[-100,-100,-100]}\n")
                    .ok());
        const QStringList command{"logprobs", "--model", sample_base(), "--rows",
                                  file("masked.jsonl")};
        const auto text = run_dayrun(command);
        QCOMPARE(text.exit_code, 0);
        QVERIFY2(text.output.find("all rows: no supervised token") != std::string::npos,
                 text.output.c_str());
        const auto json = nlohmann::json::parse(run_dayrun(command + QStringList{"--json"}).output);
        QVERIFY(json["loss"].is_null() && json["rows"][0]["loss"].is_null());
        QCOMPARE(json["rows"][0]["logprobs"].size(), size_t{2});
    }

    void new_says_whether_it_made_something_and_quotes_the_path() {
        const auto made = run_dayrun({"new", file("my night")});
        QVERIFY(made.output.find("Made an empty project") != std::string::npos);
        QVERIFY2(
            made.output.find("dayrun '" + path("my night").string() + "'") != std::string::npos,
            made.output.c_str());
        const auto again = run_dayrun({"new", file("my night")});
        QVERIFY(again.output.find("there is a project in") != std::string::npos);
    }

    // promises.md row 29: what merging an adapter that was trained over NF4 costs, for both bases.
    void an_export_tells_what_each_merge_costs() {
        std::filesystem::create_directories(path("base"));
        for (const char* name : {"config.json", "model.safetensors"}) {
            std::filesystem::copy(sample_base().toStdString() + "/" + name, path("base") / name);
        }
        QVERIFY(write_file(path("held.jsonl"), token_rows(6, 2)).ok());
        write("nf4.yaml",
              "dayrun: 1\nname: nf4\nbase: {path: base, dtype: float32}\n"
              "quantization: {base: nf4}\nadapter: {lora_rank: 8, lora_alpha: 32}\ndata:\n"
              "- {name: rows, path: rows.jsonl, converter: token_ids, use: train}\n"
              "- {name: held, path: held.jsonl, converter: token_ids, use: validation}\n"
              "tokens: {packing: false}\nbatch: {epochs: 2}\noptimizer: {learning_rate: 1.0e-3}\n");
        const auto run = run_dayrun({"--batch", file("nf4.yaml"), "--project", file("p")});
        QVERIFY2(run.exit_code == 0, run.errors.c_str());
        const auto result = run_dayrun({"export", "nf4", "--project", file("p"), "--to", "merged",
                                        "--merge-into", "both", "--dtype", "float32", "--out",
                                        QDir().relativeFilePath(file("out")), "--json"});
        QVERIFY2(result.exit_code == 0, result.errors.c_str());
        const auto report = nlohmann::json::parse(result.output);
        const auto& losses = report["validation_loss"];
        const double unmerged = losses["unmerged"].get<double>();
        // The run kept its best adapter: that is the one exported, and its loss is the run's own.
        QCOMPARE(unmerged, run.events("finished").at(0)["best_eval_loss"].get<double>());
        // Merged into what training saw, it is the same model but for rounding; into the original
        // weights, a somewhat other one.
        QVERIFY(std::abs(losses["merged_dequantized"].get<double>() - unmerged) < 1e-4);
        const double difference = std::abs(losses["merged_original"].get<double>() - unmerged);
        QVERIFY(difference > 1e-4 && difference < 0.5);
        QVERIFY(std::filesystem::exists(path("out/original/model.safetensors")));
        QVERIFY(std::filesystem::exists(path("out/dequantized/model.safetensors")));
        const auto text = dayrun::core::read_file(path("out/export.md")).value();
        QVERIFY2(text.find("merged_original") != std::string::npos, text.c_str());

        const auto quick = run_dayrun({"export", "nf4", "--project", file("p"), "--to", "merged",
                                       "--no-loss", "--out", file("out2"), "--json"});
        const auto merged = nlohmann::json::parse(quick.output);
        QVERIFY(!merged.contains("validation_loss"));
        QVERIFY(merged["merged"]["merged_into"] == "dequantized");
    }

    // A closed terminal is a stop like Ctrl-C: saved, and to be continued.
    void a_closed_terminal_saves_and_ends() {
        QProcess process;
        start_long_run(process);
        QVERIFY(wait_for_step(process));
        ::kill(static_cast<pid_t>(process.processId()), SIGHUP);
        const auto rest = finish_program(process);
        QCOMPARE(rest.exit_code, 1);
        QCOMPARE(rest.events("finished").size(), size_t{1});
        QVERIFY(rest.events("finished").at(0)["state"] == "Stopped");
    }

    // Whoever reads the events may go; the run and its records go on.
    void a_reader_that_goes_away_does_not_end_the_run() {
        write_recipe("long.yaml", "max_steps: 600, epochs: 10000");
        const QString command =
            QStringLiteral("'%1' --batch '%2' --project '%3' | head -n 1")
                .arg(QStringLiteral(DAYRUN_PROGRAM), file("long.yaml"), file("p"));
        QCOMPARE(run_program("bash", {"-c", "set -o pipefail; " + command}).exit_code, 0);
        const auto runs =
            nlohmann::json::parse(run_dayrun({"runs", "--project", file("p"), "--json"}).output);
        QVERIFY(runs.at(0)["state"] == "Finished");
        QCOMPARE(runs.at(0)["last_step"].get<int>(), 600);
    }

  private:
    void write_recipe(const std::string& name, const std::string& batch) {
        const std::string text =
            "dayrun: 1\nname: options\nbase: {path: " + sample_base().toStdString() +
            ", dtype: float32}\nadapter: {lora_rank: 4, lora_alpha: 8}\ndata:\n"
            "- {name: rows, path: rows.jsonl, converter: token_ids, use: train}\n"
            "tokens: {packing: false}\nbatch: {micro_batch_size: 2, " +
            batch + "}\n";
        write(name, text);
    }
    void start_long_run(QProcess& process) {
        write_recipe("long.yaml", "max_steps: 100000, epochs: 10000");
        process.start(QStringLiteral(DAYRUN_PROGRAM),
                      {"--batch", file("long.yaml"), "--project", file("p")});
    }
    static bool wait_for_step(QProcess& process) {
        while (process.waitForReadyRead(120'000)) {
            if (process.peek(1 << 20).contains("\"event\":\"step\"")) return true;
        }
        return false;
    }
};

DAYRUN_TEST(TestCommandOptions)
#include "test_command_options.moc"
