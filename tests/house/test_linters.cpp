// What shellcheck finds in the scripts and clang-format in the layout of the sources: nothing.
#include <QProcess>
#include <QRegularExpression>
#include <QTest>

#include "tests/house/source_tree.h"
#include "tests/support/test_registry.h"

using namespace dayrun::tests;

namespace {

// Each major version lays out some lines in its own way.
constexpr int kClangFormat = 14;

struct Finished {
    int exit_code = -1;  // -1: it did not start
    QString output;
};

Finished run(const QString& program, const QStringList& arguments) {
    QProcess process;
    process.setWorkingDirectory(DAYRUN_SOURCE_DIR);
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.start(program, arguments);
    if (!process.waitForFinished(240'000)) return {-1, process.errorString()};
    return {process.exitCode(), QString::fromUtf8(process.readAll())};
}

bool is_script(const SourceFile& file) {
    static const QRegularExpression s_shell(R"(^#!.*\b(ba|da)?sh$)");
    if (file.extension() == ".sh") return true;
    return !file.lines.empty() &&
           s_shell.match(QString::fromStdString(file.lines.front())).hasMatch();
}

// Debian's clang-format-14 brings only the name with the version; other systems have only the
// other. Empty when neither is here in that version.
QString clang_format() {
    static const QRegularExpression s_version(R"(version (\d+)\.)");
    for (const QString& name :
         {QStringLiteral("clang-format-%1").arg(kClangFormat), QStringLiteral("clang-format")}) {
        const auto version = s_version.match(run(name, {"--version"}).output);
        if (version.captured(1).toInt() == kClangFormat) return name;
    }
    return {};
}

}  // namespace

class TestLinters : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void shellcheck_finds_nothing() {
        if (run("shellcheck", {"--version"}).exit_code != 0) QSKIP("shellcheck is not installed");
        QStringList scripts;
        for (const SourceFile& file : read_texts()) {
            if (is_script(file)) scripts << QString::fromStdString(file.path);
        }
        for (const char* const expected : {"run", "test", ".ci/run", "packaging/setup/build.sh"}) {
            QVERIFY2(scripts.contains(expected), expected);
        }
        const Finished found = run("shellcheck", QStringList{"--external-sources"} + scripts);
        QVERIFY2(found.exit_code == 0, qPrintable(found.output));
    }

    void clang_format_changes_nothing() {
        const QString program = clang_format();
        if (program.isEmpty()) QSKIP("clang-format 14 is not installed");
        QStringList files;
        for (const SourceFile& file :
             read_sources({"app", "core", "kernels", "resources", "tests", "ui"})) {
            files << QString::fromStdString(file.path);
        }
        const Finished found = run(program, QStringList{"--dry-run", "-Werror"} + files);
        QVERIFY2(found.exit_code == 0, qPrintable(found.output.left(4000)));
    }

    // Both tools must refuse what they are there for.
    void both_see_a_fault() {
        QProcess process;
        process.setProcessChannelMode(QProcess::MergedChannels);
        const auto said = [&](const QString& program, const QStringList& arguments,
                              const QByteArray& text) {
            process.start(program, arguments);
            process.write(text);
            process.closeWriteChannel();
            process.waitForFinished();
            return process.exitCode();
        };
        if (run("shellcheck", {"--version"}).exit_code == 0) {
            QVERIFY(said("shellcheck", {"-"}, "#!/bin/sh\nrm $1\n") != 0);
        }
        if (const QString program = clang_format(); !program.isEmpty()) {
            QVERIFY(said(program, {"--dry-run", "-Werror", "--assume-filename=x.inc"},
                         "int  f( ) ;\n") != 0);
        }
    }
};

DAYRUN_TEST(TestLinters)
#include "test_linters.moc"
