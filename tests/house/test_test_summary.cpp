// The closing lines of ./test, held against fixed results: what was skipped is told, and what ended
// early is no success.
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/test_registry.h"

namespace {

struct Said {
    int exit_code = -1;
    QString output;
};

// Runs one line of bash that knows the functions of test_summary.sh; $2 and $3 are `arguments`.
Said run_bash(const QString& line, const QStringList& arguments) {
    QProcess shell;
    shell.start("bash", QStringList{"-uc", "source \"$1\"; " + line, "bash",
                                    DAYRUN_SOURCE_DIR "/packaging/setup/test_summary.sh"} +
                            arguments);
    if (!shell.waitForFinished()) return {-1, shell.errorString()};
    return {shell.exitCode(), QString::fromUtf8(shell.readAllStandardOutput())};
}

QString read_text(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

const QString kSamples = QStringLiteral(DAYRUN_SOURCE_DIR "/tests/house/test_summary");

}  // namespace

class TestTestSummary : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    // Qt tests with rows, expected failures and several failures of one case; a crash, a fatal
    // message, a hang, an exit code after the last case; programs without Qt, whole or in part.
    void every_kind_of_end_is_counted() {
        const QString expected = read_text(kSamples + "/expected.txt");
        QVERIFY(!expected.isEmpty());
        const Said said = run_bash("sum_up_tests \"$2\"", {kSamples + "/results.xml"});
        QCOMPARE(said.exit_code, 0);
        QCOMPARE(said.output, expected);
    }

    void no_results_are_no_success() {
        const Said said = run_bash("sum_up_tests \"$2\"", {kSamples + "/no_such_file.xml"});
        QCOMPARE(said.output, QString("Test cases: not counted, since ctest wrote no results.\n"));
    }

    // ctest's own exit code, and nothing of an earlier run.
    void the_exit_code_is_that_of_ctest() {
        const QTemporaryDir build;
        for (const char* const name : {"CTestTestfile.cmake", "test-results.xml"}) {
            QFile file(build.filePath(name));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(name[0] == 'C' ? "add_test(good true)\nadd_test(bad false)\n" : "old");
        }
        const QString line = "run_tests \"$2\" -R \"$3\"";
        const Said good = run_bash(line, {build.path(), "good"});
        QCOMPARE(good.exit_code, 0);
        QVERIFY2(good.output.endsWith("Test cases: 1 passed, 0 failed, 0 skipped in 1 entries.\n"),
                 qPrintable(good.output));
        const Said bad = run_bash(line, {build.path(), "good|bad"});
        QCOMPARE(bad.exit_code, 8);
        QVERIFY2(bad.output.endsWith("Test cases: 1 passed, 1 failed, 0 skipped in 2 entries.\n"),
                 qPrintable(bad.output));
        const Said none = run_bash(line + " -N", {build.path(), "good"});
        QCOMPARE(none.exit_code, 0);
        QVERIFY2(none.output.endsWith("\nTest cases: none ran.\n"), qPrintable(none.output));
    }
};

DAYRUN_TEST(TestTestSummary)
#include "test_test_summary.moc"
