// Body of peft_environment.h.
#include "tests/support/peft_environment.h"

#include <QFile>
#include <QStandardPaths>

#include "core/base/atomic_file.h"
#include "tests/support/run_program.h"

namespace dayrun::tests {

QString make_peft_environment(QString& problem) {
    const QString folder =
        QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation) + "/dayrun/peft";
    const QString python = folder + "/bin/python";
    const auto step = [&](const QString& program, const QStringList& arguments) {
        const ProgramResult result = run_program(program, arguments);
        if (result.exit_code != 0) problem = QString::fromStdString(result.errors).right(300);
        return result.exit_code == 0;
    };
    const QStringList check{"-c", "import torch, transformers, peft"};
    if (QFile::exists(python) && run_program(python, check).exit_code == 0) return python;
    if (!step("python3", {"-m", "venv", folder})) return {};
    if (!step(python, {"-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r",
                       kPeftScripts + "requirements.txt"})) {
        return {};
    }
    const ProgramResult site =
        run_program(python, {"-c", "import site; print(site.getsitepackages()[0])"});
    const auto link = QString::fromStdString(site.output).trimmed() + "/dayrun.pth";
    if (!core::write_file(link.toStdString(), DAYRUN_SITE "\n").ok()) return {};
    if (run_program(python, check).exit_code == 0) return python;
    QFile::remove(link);
    return step(python, {"-m", "pip", "install", "-q", "torch==2.11.0"}) ? python : QString();
}

}  // namespace dayrun::tests
