// The program from outside: exit codes, sentences for wrong input, events of a run, and what is
// left after Ctrl-C, kill -9 and a second Dayrun on the same project.
#include <signal.h>

#include <QTemporaryDir>
#include <QTest>
#include <fstream>

#include "core/base/atomic_file.h"
#include "core/records/project.h"
#include "tests/scenarios/program.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::write_file;

namespace {

// Sixteen rows of ids on the shipped base model; about a second of training.
std::string recipe_text(const std::string& more) {
    return "dayrun: 1\nname: scenario\nbase: {path: " + sample_base().toStdString() +
           ", dtype: float32}\nadapter: {lora_rank: 4, lora_alpha: 8}\ndata:\n"
           "- {name: rows, path: rows.jsonl, converter: token_ids, use: train}\n"
           "- {name: held, path: held.jsonl, converter: token_ids, use: validation}\n"
           "tokens: {packing: false}\nbatch: {micro_batch_size: 2, max_steps: 4}\n" +
           more;
}

}  // namespace

class TestCommandLine : public QObject, private ProgramFolder {
    Q_OBJECT
  private Q_SLOTS:
    void init() {
        make_folder();
        QVERIFY(write_file(path("rows.jsonl"), token_rows(16, 1)).ok());
        QVERIFY(write_file(path("held.jsonl"), token_rows(4, 2)).ok());
    }

    void wrong_usage_is_exit_code_2() {
        QCOMPARE(run_dayrun({"--no-such-option"}).exit_code, 2);
        QCOMPARE(run_dayrun({"export", "--out", "x"}).exit_code, 2);
        const auto version = run_dayrun({"--version"});
        QCOMPARE(version.exit_code, 0);
        QVERIFY(version.output.find("libtorch") != std::string::npos);
        QVERIFY(run_dayrun({"plan", "--help"}).output.find("Example:") != std::string::npos);
    }

    void a_bad_recipe_is_told_with_its_line() {
        write("bad.yaml", recipe_text("optimizer: {learning_rat: 1}\n"));
        const auto result = run_dayrun({"--batch", file("bad.yaml")});
        QCOMPARE(result.exit_code, 2);
        QVERIFY2(result.errors.find("bad.yaml:10:13") != std::string::npos, result.errors.c_str());
        QVERIFY(result.errors.find("Did you mean 'learning_rate'?") != std::string::npos);
    }

    void check_reads_expressions_too() {
        const QString recipe = QString::fromStdString(
            "dayrun: 1\nbase: {path: base}\ndata:\n"
            "  - {name: t, path: rows.jsonl, converter: token_ids%1}\n%2");
        const auto refused = [&](const char* source, const char* more, std::string_view why) {
            if (!write_file(path("e.yaml"), recipe.arg(source, more).toStdString()).ok())
                return false;
            const auto result = run_dayrun({"recipe", "check", file("e.yaml")});
            return result.exit_code == 2 && result.errors.find(why) != std::string::npos;
        };
        QVERIFY(refused(", filter: {where: \"id >\"}", "", "The filter of 't'"));
        QVERIFY(
            refused("", "adapter: {target_modules: \"(q_proj\"}\n", "not a regular expression"));
        QVERIFY(!refused("", "adapter: {target_modules: \".*q_proj\"}\n", ""));
        QCOMPARE(run_dayrun({"plan", file("e.yaml"), "--device-memory", "0"}).exit_code, 2);
    }

    void damaged_models_are_told_in_one_sentence_data() {
        QTest::addColumn<QByteArray>("weights");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("not safetensors") << QByteArray("hello, this is no model at all");
        QTest::newRow("header beyond the file")
            << QByteArray("\xff\xff\xff\x00\x00\x00\x00\x00{}", 10);
        QTest::newRow("truncated header")
            << QByteArray("\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":", 13);
    }

    void damaged_models_are_told_in_one_sentence() {
        QFETCH(QByteArray, weights);
        std::filesystem::create_directories(path("base"));
        for (const char* name : {"config.json", "tokenizer.model"}) {
            std::filesystem::copy(sample_base().toStdString() + "/" + name, path("base") / name);
        }
        QVERIFY(write_file(path("base/model.safetensors"), weights.toStdString()).ok());
        const auto result =
            run_dayrun({"logprobs", "--model", file("base"), "--rows", file("rows.jsonl")});
        QCOMPARE(result.exit_code, 2);
        QVERIFY2(result.errors.find("model.safetensors") != std::string::npos,
                 result.errors.c_str());
    }

    void a_run_tells_its_events_and_repeats_bit_by_bit() {
        write("r.yaml", recipe_text(""));
        const auto first = run_dayrun({"--batch", file("r.yaml"), "--project", file("p1")});
        QVERIFY2(first.exit_code == 0, first.errors.c_str());
        QVERIFY(first.lines().front()["event"] == "start");
        const auto steps = first.events("step");
        QCOMPARE(steps.size(), size_t{4});
        for (const char* key :
             {"step", "epoch", "loss", "grad_norm", "learning_rate", "target_tokens", "slot_tokens",
              "tokens_per_second", "step_ms", "device_bytes_peak", "wall_s", "eta_s"}) {
            QVERIFY2(steps[0].contains(key), key);
        }
        QVERIFY(!first.events("eval").empty());
        const auto finished = first.events("finished").at(0);
        QVERIFY(finished["state"] == "Finished");
        const auto adapter = path("p1") / finished["adapter"].get<std::string>();
        QVERIFY(std::filesystem::exists(adapter / "adapter_model.safetensors"));

        const auto second = run_dayrun({"--batch", file("r.yaml"), "--project", file("p2")});
        for (size_t i = 0; i < steps.size(); ++i) {
            QVERIFY(second.events("step").at(i)["loss"] == steps[i]["loss"]);
            QVERIFY(second.events("step").at(i)["grad_norm"] == steps[i]["grad_norm"]);
        }
    }

    // contracts.md section 4: a recipe that lies in a project's folder is of that project.
    void a_recipe_inside_a_project_runs_there() {
        write("r.yaml", recipe_text(""));
        const auto made = run_dayrun({"--batch", file("r.yaml"), "--project", file("home")});
        QVERIFY2(made.exit_code == 0, made.errors.c_str());
        std::filesystem::create_directories(path("home/recipes"));
        std::string text = recipe_text("");
        for (const std::string name : {"rows.jsonl", "held.jsonl"}) {
            text.replace(text.find(name), name.size(), "../../" + name);
        }
        write("home/recipes/r.yaml", text);
        const auto inside = run_dayrun({"--batch", file("home/recipes/r.yaml")});
        QVERIFY2(inside.exit_code == 0, inside.errors.c_str());
        QCOMPARE(run_dayrun({"data", "compile", file("home/recipes/r.yaml")}).exit_code, 0);
        const auto runs =
            nlohmann::json::parse(run_dayrun({"runs", "--project", file("home"), "--json"}).output);
        QCOMPARE(runs.size(), size_t{2});
        QVERIFY(!std::filesystem::exists(path("home/recipes/project.sqlite")));
        QVERIFY(!std::filesystem::exists(path("home/recipes/cache")));
    }

    void ctrl_c_saves_and_ends_with_exit_code_1() {
        QProcess process;
        start_long_run(process);
        QVERIFY(wait_for_step(process));
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        const auto rest = finish_program(process);
        QCOMPARE(rest.exit_code, 1);
        const auto runs =
            nlohmann::json::parse(run_dayrun({"runs", "--project", file("p"), "--json"}).output);
        QVERIFY(runs.at(0)["state"] == "Stopped");
        const auto adapter = path("p") / runs.at(0)["adapter"].get<std::string>();
        const auto loaded =
            run_dayrun({"logprobs", "--model", sample_base(), "--adapter",
                        QString::fromStdString(adapter.string()), "--rows", file("held.jsonl")});
        QVERIFY2(loaded.exit_code == 0, loaded.errors.c_str());
    }

    // Stopped by Ctrl-C and killed, and gone on with twice: every figure and the adapter are those
    // of a run that nobody interrupted.
    void continue_is_bit_equal_after_ctrl_c_and_kill_9() {
        const std::string more =
            "schedule: {kind: cosine, warmup_steps: 20}\neval: {every: [{steps: 37}]}\n"
            "checkpoint: {every_minutes: 0.001}\n";
        std::string text = recipe_text(more);
        text.replace(text.find("micro_batch_size: 2, max_steps: 4"), 33,
                     "micro_batch_size: 1, gradient_accumulation_steps: 3, max_steps: 300, "
                     "epochs: 1000");
        write("k.yaml", text);
        const QStringList batch = {"--batch", file("k.yaml"), "--threads", "1", "--project"};
        const auto straight = run_dayrun(batch + QStringList{file("straight")});
        QVERIFY2(straight.exit_code == 0, straight.errors.c_str());

        const QStringList again = batch + QStringList{file("cut"), "--continue"};
        for (const int signal : {SIGINT, SIGKILL}) {
            QProcess process;
            process.start(QStringLiteral(DAYRUN_PROGRAM), again);
            QVERIFY(wait_for_steps(process, 60));
            ::kill(static_cast<pid_t>(process.processId()), signal);
            QCOMPARE(finish_program(process).exit_code, signal == SIGINT ? 1 : -1);
        }
        const auto last = run_dayrun(again);
        QVERIFY2(last.exit_code == 0, last.errors.c_str());
        QVERIFY(last.events("step").size() < 240);

        const auto whole = steps_of("straight"), parts = steps_of("cut");
        QCOMPARE(whole.size(), size_t{300});
        QCOMPARE(parts.size(), whole.size());
        QVERIFY(parts == whole);
        QVERIFY(last.events("finished").at(0)["best_eval_loss"] ==
                straight.events("finished").at(0)["best_eval_loss"]);
        const auto adapter_of = [&](const char* project, const ProgramResult& result) {
            const auto folder = result.events("finished").at(0)["adapter"].get<std::string>();
            return dayrun::core::read_file(path(project) / folder / "adapter_model.safetensors");
        };
        QVERIFY(adapter_of("straight", straight).value() == adapter_of("cut", last).value());

        // Once more has nothing left to do; with another recipe it is told what differs.
        const auto nothing = run_dayrun(again);
        QCOMPARE(nothing.exit_code, 0);
        QVERIFY(nothing.events("step").empty());
    }

    void continue_with_another_recipe_is_exit_code_2() {
        QProcess process;
        start_long_run(process);
        QVERIFY(wait_for_step(process));
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QCOMPARE(finish_program(process).exit_code, 1);
        std::string text = dayrun::core::read_file(path("long.yaml")).value();
        text.replace(text.find("lora_rank: 4"), 12, "lora_rank: 8");
        write("long.yaml", text);
        const auto other =
            run_dayrun({"--batch", file("long.yaml"), "--project", file("p"), "--continue"});
        QCOMPARE(other.exit_code, 2);
        QVERIFY2(other.errors.find("adapter.lora_rank was 4 and is 8") != std::string::npos,
                 other.errors.c_str());
    }

    void a_second_dayrun_and_kill_9_lose_nothing() {
        QProcess process;
        start_long_run(process);
        QVERIFY(wait_for_step(process));
        const auto second = run_dayrun({"--batch", file("long.yaml"), "--project", file("p")});
        QVERIFY(second.exit_code == 1 || second.exit_code == 2);
        QVERIFY2(second.errors.find("project") != std::string::npos, second.errors.c_str());
        process.kill();
        process.waitForFinished();
        const auto again = run_dayrun({"--batch", file("r2.yaml"), "--project", file("p")});
        QVERIFY2(again.exit_code == 0, again.errors.c_str());
        const auto runs =
            nlohmann::json::parse(run_dayrun({"runs", "--project", file("p"), "--json"}).output);
        QCOMPARE(runs.size(), size_t{2});
        QVERIFY(runs.at(1)["interrupted"] == true);
        QVERIFY(runs.at(1)["last_step"].get<int64_t>() > 0);
    }

  private:
    void start_long_run(QProcess& process) {
        std::string text = recipe_text("");
        text.replace(text.find("max_steps: 4"), 12, "max_steps: 100000, epochs: 10000");
        write("long.yaml", text);
        write("r2.yaml", recipe_text(""));
        process.start(QStringLiteral(DAYRUN_PROGRAM),
                      {"--batch", file("long.yaml"), "--project", file("p")});
    }

    static bool wait_for_steps(QProcess& process, int count) {
        QByteArray seen;
        while (seen.count("\"event\":\"step\"") < count) {
            if (!process.waitForReadyRead(120'000)) return false;
            seen += process.readAllStandardOutput();
        }
        return true;
    }
    /// Steps reach the records in batches, after they are told.
    bool wait_for_step(QProcess& process) {
        if (!wait_for_steps(process, 50)) return false;
        return QTest::qWaitFor([&] { return !steps_of("p").empty(); }, 60'000);
    }

    /// What the records hold of a project's only run: figures that must not depend on time.
    std::vector<std::vector<double>> steps_of(const std::string& project) const {
        std::vector<std::vector<double>> figures;
        const auto opened =
            dayrun::core::Project::open(path(project), dayrun::core::ProjectAccess::ReadOnly);
        if (!opened.ok()) return figures;
        const auto query = (*opened)->query();
        const auto runs = query->runs();
        if (runs->size() != 1) return figures;
        const auto steps = query->steps(runs->front().run_id);
        for (const auto& step : *steps) {
            figures.push_back({static_cast<double>(step.step), step.epoch, step.loss, step.loss_z,
                               step.grad_norm, step.learning_rate});
        }
        return figures;
    }
};

DAYRUN_TEST(TestCommandLine)
#include "test_command_line.moc"
