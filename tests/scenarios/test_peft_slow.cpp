// PEFT loads an adapter that Dayrun wrote, as it is, and finds the same loss to 1e-5. Needs Python
// with a network or a filled pip cache; the packages go into an environment of their own.
#include <QTemporaryDir>
#include <QTest>

#include "core/base/atomic_file.h"
#include "tests/scenarios/program.h"
#include "tests/support/peft_environment.h"
#include "tests/support/temp_project.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;
using dayrun::core::write_file;

class TestPeftSlow : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void peft_finds_the_same_loss() {
        QString problem;
        const QString python = make_peft_environment(problem);
        if (python.isEmpty()) QSKIP(qPrintable("PEFT cannot be installed here: " + problem));
        QTemporaryDir folder;
        const auto path = std::filesystem::path(folder.path().toStdString());
        QVERIFY(write_file(path / "rows.jsonl", token_rows(24, 3)).ok());
        QVERIFY(write_file(
                    path / "r.yaml",
                    "base: {path: " + sample_base().toStdString() +
                        ", dtype: float32}\nadapter: {lora_rank: 4, lora_alpha: 8}\n"
                        "data: [{name: rows, path: rows.jsonl, converter: token_ids, use: train}]\n"
                        "batch: {micro_batch_size: 2, max_steps: 10}\n"
                        "optimizer: {learning_rate: 5.0e-3}\n")
                    .ok());
        const auto run = run_dayrun({"--batch", folder.filePath("r.yaml")});
        QVERIFY2(run.exit_code == 0, run.errors.c_str());
        const auto adapter = folder.filePath(
            QString::fromStdString(run.events("finished").at(0)["adapter"].get<std::string>()));

        const auto ours =
            run_dayrun({"logprobs", "--dtype", "float32", "--model", sample_base(), "--adapter",
                        adapter, "--rows", folder.filePath("rows.jsonl"), "--json"});
        QVERIFY2(ours.exit_code == 0, ours.errors.c_str());
        const auto base = run_dayrun({"logprobs", "--dtype", "float32", "--model", sample_base(),
                                      "--rows", folder.filePath("rows.jsonl"), "--json"});
        const auto theirs = run_program(python, {kPeftScripts + "load_adapter.py", sample_base(),
                                                 adapter, folder.filePath("rows.jsonl")});
        QVERIFY2(theirs.exit_code == 0, theirs.errors.c_str());
        const double our_loss = ours.lines().at(0)["loss"].get<double>();
        const double their_loss = std::stod(theirs.output);
        qInfo("loss with the adapter: Dayrun %.9f, PEFT %.9f", our_loss, their_loss);
        QVERIFY(std::abs(our_loss - their_loss) < 1e-5);
        // An adapter that changed nothing would agree without being read.
        QVERIFY(std::abs(our_loss - base.lines().at(0)["loss"].get<double>()) > 1e-2);
    }
};

DAYRUN_TEST(TestPeftSlow)
#include "test_peft_slow.moc"
