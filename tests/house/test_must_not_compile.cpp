// The bans of the dependency rule, asked of the compiler: each file in must_not_compile is compiled
// with the flags of a real file of its room (from compile_commands.json) and must fail for the
// banned header and nothing else. SQLite and yaml-cpp lie in the system's include folder, so only
// test_rooms can ban those.
#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

#include "tests/support/test_registry.h"

namespace {

struct Compiled {
    int exit_code = -1;
    QString output;
};

// The compile command of the first file below `folder`, as arguments without source, output,
// precompiled header and compiler cache; empty when this build has no such room.
QStringList flags_of(const QJsonArray& commands, const QString& folder) {
    for (const QJsonValue& value : commands) {
        const QJsonObject entry = value.toObject();
        const QString file = entry["file"].toString();
        if (!file.startsWith(folder) || !file.endsWith(".cpp")) continue;
        if (folder.endsWith("/core/") && file.startsWith(folder + "engine/")) continue;
        const QString plug_ins = folder.endsWith("/core/engine/") ? folder : QString("none");
        if (file.startsWith(plug_ins + "torch/") || file.startsWith(plug_ins + "cuda/")) continue;
        QStringList flags = QProcess::splitCommand(entry["command"].toString());
        while (!flags.isEmpty() && !flags.first().contains("++")) flags.removeFirst();
        for (qsizetype i = flags.size() - 1; i > 0; --i) {
            const QString flag = flags[i];
            const bool takes_next = flag == "-o" || flag == "-c" || flag == "-include";
            if (takes_next && i + 1 < flags.size()) flags.removeAt(i + 1);
            if (takes_next || flag == "-Winvalid-pch") flags.removeAt(i);
        }
        return flags;
    }
    return {};
}

Compiled compile(QStringList flags, const QString& source) {
    const QString compiler = flags.takeFirst();
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    // The messages are searched for words, so they must not be translated.
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("LC_ALL", "C");
    process.setProcessEnvironment(environment);
    process.start(compiler, flags + QStringList{"-fsyntax-only", source});
    if (!process.waitForFinished(120'000)) return {-1, process.errorString()};
    return {process.exitCode(), QString::fromUtf8(process.readAll())};
}

}  // namespace

class TestMustNotCompile : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void initTestCase() {
        QFile file(DAYRUN_BUILD_DIR "/compile_commands.json");
        QVERIFY2(file.open(QIODevice::ReadOnly), "no compile_commands.json in the build folder");
        m_commands = QJsonDocument::fromJson(file.readAll()).array();
        QVERIFY(!m_commands.isEmpty());
    }

    void the_compiler_refuses_data() {
        QTest::addColumn<QString>("source");
        QTest::addColumn<QString>("room");
        QDir folder(DAYRUN_SOURCE_DIR "/tests/house/must_not_compile");
        const QStringList names = folder.entryList({"*.cpp"}, QDir::Files);
        QVERIFY(!names.isEmpty());
        for (const QString& name : names) {
            const QString word = name.section('_', 0, 0);
            const QString room = word == "engine" ? QString("core/engine") : word;
            QTest::addRow("%s", qPrintable(name)) << folder.filePath(name) << room;
        }
    }
    void the_compiler_refuses() {
        QFETCH(QString, source);
        QFETCH(QString, room);
        const QStringList flags = flags_of(m_commands, DAYRUN_SOURCE_DIR "/" + room + "/");
        if (flags.isEmpty()) QSKIP("this build leaves the room out");

        // The same flags compile an innocent file, so a refusal below is the ban's.
        QTemporaryDir folder;
        QFile innocent(folder.filePath("innocent.cpp"));
        QVERIFY(innocent.open(QIODevice::WriteOnly));
        innocent.write(
            "#include <vector>\nint size(const std::vector<int>& v) { return int(v.size()); }\n");
        innocent.close();
        const Compiled good = compile(flags, innocent.fileName());
        QVERIFY2(good.exit_code == 0, qPrintable(good.output));

        const Compiled bad = compile(flags, source);
        QVERIFY2(bad.exit_code != 0, "the banned header can be included");
        QVERIFY2(bad.output.contains("No such file or directory"), qPrintable(bad.output));
    }

  private:
    QJsonArray m_commands;
};

DAYRUN_TEST(TestMustNotCompile)
#include "test_must_not_compile.moc"
