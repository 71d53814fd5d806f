// Every stage is drawn at 100 % and 200 % and looked over: no clipped text, no nameless control, no
// control that Tab does not reach, none smaller than 24 px. The folder named by DAYRUN_UI_SHOTS
// gets the pictures.
#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractScrollArea>
#include <QAbstractSpinBox>
#include <QAccessible>
#include <QApplication>
#include <QComboBox>
#include <QDockWidget>
#include <QLabel>
#include <QLineEdit>
#include <QProcess>
#include <QTextEdit>
#include <QTimer>
#include <array>

#include "core/base/atomic_file.h"
#include "tests/support/test_registry.h"
#include "tests/ui/fixture.h"
#include "ui/bridge/run_controller.h"
#include "ui/charts/chart_view.h"
#include "ui/look/basics.h"
#include "ui/look/job.h"
#include "ui/look/text.h"
#include "ui/panels/inspector.h"
#include "ui/project/prepared_data.h"
#include "ui/shell/main_window.h"
#include "ui/shell/stage_rail.h"
#include "ui/stages/compare/compare_stage.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/data/import_sheet.h"
#include "ui/stages/stage_table.h"

using namespace dayrun;
using namespace dayrun::tests;
using namespace dayrun::ui;

namespace {

constexpr auto kChildFlag = "DAYRUN_UI_SCALED_CHILD";

QString describe(const QWidget* widget) {
    QString text;
    if (const auto* label = qobject_cast<const QLabel*>(widget)) text = label->text();
    if (const auto* button = qobject_cast<const QAbstractButton*>(widget)) text = button->text();
    return QStringLiteral("%1 '%2' %3x%4 wants %5x%6")
        .arg(QLatin1String(widget->metaObject()->className()), text.left(50))
        .arg(widget->width())
        .arg(widget->height())
        .arg(widget->sizeHint().width())
        .arg(widget->sizeHint().height());
}

// Parts that Qt makes for itself inside a control (arrows, clear buttons, dock titles).
bool isInner(const QWidget* widget) {
    for (const QWidget* up = widget->parentWidget(); up != nullptr; up = up->parentWidget()) {
        if (qobject_cast<const QComboBox*>(up) != nullptr ||
            qobject_cast<const QAbstractSpinBox*>(up) != nullptr ||
            qobject_cast<const QLineEdit*>(up) != nullptr ||
            qobject_cast<const QAbstractItemView*>(up) != nullptr) {
            return true;
        }
    }
    const QString kind = QLatin1String(widget->metaObject()->className());
    return kind.startsWith(QStringLiteral("QDockWidget")) ||
           kind == QStringLiteral("QTableCornerButton");
}

bool isControl(const QWidget* widget) {
    const auto* card = qobject_cast<const Card*>(widget);
    return qobject_cast<const QAbstractButton*>(widget) != nullptr ||
           qobject_cast<const QLineEdit*>(widget) != nullptr ||
           qobject_cast<const QComboBox*>(widget) != nullptr ||
           qobject_cast<const QAbstractSpinBox*>(widget) != nullptr ||
           qobject_cast<const QAbstractItemView*>(widget) != nullptr ||
           qobject_cast<const QTextEdit*>(widget) != nullptr ||
           qobject_cast<const ChartView*>(widget) != nullptr ||
           (card != nullptr && card->focusPolicy() != Qt::NoFocus);
}

QList<QWidget*> visibleWidgets(QWidget& window) {
    QList<QWidget*> found;
    for (QWidget* widget : window.findChildren<QWidget*>()) {
        const bool is_header = widget->inherits("QHeaderView");
        if (widget->isVisible() && widget->window() == &window && !is_header) found << widget;
    }
    return found;
}

QStringList clippedTexts(QWidget& window) {
    QStringList clipped;
    for (const QWidget* widget : visibleWidgets(window)) {
        if (qobject_cast<const ElidedLabel*>(widget) != nullptr || isInner(widget)) continue;
        const auto* label = qobject_cast<const QLabel*>(widget);
        const auto* button = qobject_cast<const QAbstractButton*>(widget);
        if (label != nullptr && !label->text().isEmpty()) {
            const bool fits = label->wordWrap()
                                  ? label->heightForWidth(label->width()) <= label->height() + 1
                                  : label->sizeHint().width() <= label->width() + 1 &&
                                        label->fontMetrics().height() <= label->height() + 1;
            if (!fits) clipped << describe(widget);
        } else if (button != nullptr && !button->text().isEmpty()) {
            const QSize wanted = button->sizeHint();
            if (wanted.width() > button->width() + 1 || wanted.height() > button->height() + 1) {
                clipped << describe(widget);
            }
        }
    }
    return clipped;
}

// Widgets that stick out of what holds them: they are cut off or lie over their neighbours. What is
// scrolled may stick out.
QStringList spillingWidgets(QWidget& window) {
    QStringList spilling;
    for (const QWidget* widget : visibleWidgets(window)) {
        const QWidget* parent = widget->parentWidget();
        const bool is_scrolled =
            qobject_cast<const QAbstractScrollArea*>(parent->parentWidget()) != nullptr;
        // The window's own separators between docks lie half over them.
        const bool is_separator = qobject_cast<const QMainWindow*>(parent) != nullptr;
        if (is_scrolled || is_separator || isInner(widget)) continue;
        if (!parent->rect().adjusted(-1, -1, 1, 1).contains(widget->geometry())) {
            spilling << describe(widget);
        }
    }
    return spilling;
}

QStringList namelessControls(QWidget& window) {
    QStringList nameless;
    for (QWidget* widget : visibleWidgets(window)) {
        if (!isControl(widget) || isInner(widget)) continue;
        const QAccessibleInterface* interface = QAccessible::queryAccessibleInterface(widget);
        if (interface == nullptr || interface->text(QAccessible::Name).trimmed().isEmpty()) {
            nameless << describe(widget);
        }
    }
    return nameless;
}

QStringList smallControls(QWidget& window) {
    QStringList small;
    for (const QWidget* widget : visibleWidgets(window)) {
        if (qobject_cast<const QAbstractButton*>(widget) == nullptr || isInner(widget)) continue;
        if (widget->width() < 24 || widget->height() < 24) small << describe(widget);
    }
    return small;
}

// Presses Tab until the focus comes round, and lists the controls it never met.
QStringList unreachedControls(QWidget& window) {
    QSet<const QWidget*> met;
    for (int i = 0; i < 400; ++i) {
        QWidget* focus = QApplication::focusWidget();
        QTest::keyClick(focus == nullptr ? &window : focus, Qt::Key_Tab);
        focus = QApplication::focusWidget();
        if (focus != nullptr) met.insert(focus);
    }
    QStringList missed;
    for (const QWidget* widget : visibleWidgets(window)) {
        const bool counts = isControl(widget) && !isInner(widget) && widget->isEnabled();
        if (!counts || met.contains(widget)) continue;
        const QWidget* proxy = widget->focusProxy();
        if (proxy == nullptr || !met.contains(proxy)) missed << describe(widget);
    }
    return missed;
}

// Nothing is computed, and no timer will soon begin something.
bool isQuiet() {
    if (JobPool::instance().pendingCount() != 0) return false;
    for (const QWidget* window : QApplication::topLevelWidgets()) {
        for (const QTimer* timer : window->findChildren<QTimer*>()) {
            // The others repeat, or clear a message after some seconds.
            const bool is_soon = timer->isSingleShot() && timer->interval() < 1000;
            if (is_soon && timer->isActive()) return false;
        }
    }
    return true;
}

// What one turn of the loop posts (a layout, an answer), the next one handles.
void waitUntilQuiet() {
    int quiet_turns = 0;
    QVERIFY(waitFor([&] {
        quiet_turns = isQuiet() ? quiet_turns + 1 : 0;
        return quiet_turns == 4;
    }));
}

void addRun(const std::filesystem::path& folder, int rank) {
    auto opened = ProjectDocument::open(folder, ProjectDocument::OpenAs::Existing);
    QVERIFY(opened.ok());
    ProjectDocument& document = **opened;
    QVERIFY(document.setSetting(QStringLiteral("adapter.lora_rank"), QString::number(rank)).ok());
    QVERIFY(document.setSetting(QStringLiteral("name"), QStringLiteral("rank %1").arg(rank)).ok());
    RunController runs(document.project(), fakeEngine(1), {}, QStringLiteral("CPU, 2 threads"));
    QVERIFY(runs.start(document.recipe()).ok());
    QVERIFY(waitFor([&] { return !runs.isRunning(); }));
    QCOMPARE(runs.current()->state, core::RunState::Finished);
}

}  // namespace

class TestScreens : public QObject {
    Q_OBJECT

  private:
    TempFolder m_folder;
    std::unique_ptr<MainWindow> m_window;

    void lookOver(const QString& name, QWidget* window = nullptr) {
        if (window == nullptr) window = m_window.get();
        const QString folder = qEnvironmentVariable("DAYRUN_UI_SHOTS");
        if (!folder.isEmpty()) {
            const int percent = static_cast<int>(100 * window->devicePixelRatio());
            window->grab().save(QStringLiteral("%1/%2-%3.png").arg(folder, name).arg(percent));
        }
        const auto verify = [&](const QStringList& faults, const char* what) {
            QVERIFY2(faults.isEmpty(), qPrintable(QStringLiteral("%1, %2:\n  %3")
                                                      .arg(name, QLatin1String(what),
                                                           faults.join(QStringLiteral("\n  ")))));
        };
        verify(clippedTexts(*window), "clipped");
        verify(spillingWidgets(*window), "sticking out");
        verify(namelessControls(*window), "without a name");
        verify(smallControls(*window), "smaller than 24 px");
        verify(unreachedControls(*window), "not reached by Tab");
    }

  private Q_SLOTS:
    void initTestCase() {
        makeProject(m_folder.path(), 60);
        addRun(m_folder.path(), 4);
        addRun(m_folder.path(), 16);
        m_window = std::make_unique<MainWindow>(optionsWith(fakeEngine()), Memory::Forget);
        m_window->resize(1360, 860);
        m_window->show();
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
    }
    void cleanupTestCase() { m_window.reset(); }

    void welcome() {
        waitUntilQuiet();
        lookOver(QStringLiteral("welcome"));
    }

    void stages_data() {
        QTest::addColumn<int>("stage");
        QTest::addColumn<QSize>("size");
        for (const StageRow& row : kStages) {
            const auto stage = static_cast<int>(row.id);
            const QByteArray name = stageTitle(row.id).toLower().toUtf8();
            QTest::newRow(name.constData()) << stage << QSize(1360, 860);
            QTest::newRow((name + "-small").constData()) << stage << QSize(1100, 680);
        }
    }

    void stages() {
        QFETCH(int, stage);
        QFETCH(QSize, size);
        if (m_window->document() == nullptr) {
            QVERIFY(m_window->openProject(m_folder.path(), ProjectDocument::OpenAs::Existing));
            waitUntilQuiet();
            m_window->showNewestRun();
            waitUntilQuiet();
        }
        m_window->resize(size);
        m_window->showStage(static_cast<StageId>(stage));
        waitUntilQuiet();
        lookOver(QString::fromUtf8(QTest::currentDataTag()));
    }

    void dataPages_data() {
        QTest::addColumn<int>("page");
        QTest::addColumn<QSize>("size");
        const std::array names{"rows",     "mix",        "template", "tokens",
                               "left-out", "duplicates", "overlap"};
        for (size_t page = 0; page < names.size(); ++page) {
            const QByteArray name = QByteArray("data-") + names[page];
            QTest::newRow(name.constData()) << static_cast<int>(page) << QSize(1360, 860);
            QTest::newRow((name + "-small").constData())
                << static_cast<int>(page) << QSize(1100, 680);
        }
    }

    void dataPages() {
        QFETCH(int, page);
        QFETCH(QSize, size);
        m_window->resize(size);
        m_window->showStage(StageId::Data);
        m_window->dataStage()->showPage(static_cast<DataPage>(page));
        waitUntilQuiet();
        lookOver(QString::fromUtf8(QTest::currentDataTag()));
    }

    void importSheet() {
        const std::filesystem::path file = m_folder / "questions.csv";
        QVERIFY(
            core::write_file(file, "question,answer,topic\nWhy?,Because.,a\nHow?,So.,b\n").ok());
        ImportSheet* sheet =
            m_window->dataStage()->importPaths({pathText(file), pathText(m_folder / "rows.jsonl")});
        QVERIFY(waitFor([&] { return sheet->isQuiet(); }));
        waitUntilQuiet();
        lookOver(QStringLiteral("import"), sheet);
        sheet->reject();
        QVERIFY(waitFor([&] { return m_window->findChild<ImportSheet*>() == nullptr; }));
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
    }

    // The pages of text, filled: both texts of a duplicate and of an overlapping row, a template.
    void textPages_data() { dataPages_data(); }
    void textPages() {
        QFETCH(int, page);
        QFETCH(QSize, size);
        static const TempFolder s_folder;
        if (m_window->document() == nullptr ||
            m_window->document()->project().folder() != s_folder.path()) {
            makeTextProject(s_folder.path());
            QVERIFY(core::write_file(s_folder / "eval2.csv", "id,problem\n1,None\n").ok());
            QVERIFY(m_window->openProject(s_folder.path(), ProjectDocument::OpenAs::Existing));
            QVERIFY(m_window->document()
                        ->setSettings(QStringLiteral("look"),
                                      {{QStringLiteral("mix.dedupe"), QStringLiteral("input")},
                                       {QStringLiteral("overlap.files"),
                                        QStringLiteral("[../eval.csv, ../eval2.csv]")}})
                        .ok());
        }
        m_window->resize(size);
        m_window->showStage(StageId::Data);
        m_window->dataStage()->showPage(static_cast<DataPage>(page));
        waitUntilQuiet();
        QVERIFY(m_window->dataStage()->prepared().isExact());
        lookOver(QStringLiteral("text-") + QString::fromUtf8(QTest::currentDataTag()));
    }

    // Names and values of any length wrap in the narrow inspector, and none is cut off.
    void longFacts() {
        Inspector inspector;
        inspector.resize(230, 500);
        inspector.show();
        inspector.showFacts(
            QStringLiteral("Row 1"),
            {{QStringLiteral("Place"), QStringLiteral("task001_opposite_of_words.json, row 1")},
             {QStringLiteral("input_language_of_the_task"), QStringLiteral("English")},
             {QStringLiteral("task"), QStringLiteral("task001_opposite_of_words_and_more")},
             {QStringLiteral("id"), QStringLiteral("task001-train-1-of-many-of-them")}});
        waitUntilQuiet();
        lookOver(QStringLiteral("inspector"), &inspector);
        inspector.close();
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
    }

    void emptyStages() {
        const TempFolder folder;
        MainWindow* window = m_window.get();
        window->resize(1360, 860);
        QVERIFY(window->openProject(folder / "fresh", ProjectDocument::OpenAs::CreateIfMissing));
        for (const StageRow& row : kStages) {
            window->showStage(row.id);
            waitUntilQuiet();
            lookOver(QStringLiteral("empty-") + stageTitle(row.id).toLower());
        }
        window->closeProject();
    }

    // The scale factor is fixed when the application object is made, so 200 % is another process.
    void atTwiceTheScale() {
        if (qEnvironmentVariableIsSet(kChildFlag)) return;
        QProcess child;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QLatin1String(kChildFlag), QStringLiteral("1"));
        environment.insert(QStringLiteral("QT_SCALE_FACTOR"), QStringLiteral("2"));
        child.setProcessEnvironment(environment);
        child.setProcessChannelMode(QProcess::ForwardedChannels);
        child.start(QCoreApplication::applicationFilePath(), {QStringLiteral("test_screens")});
        QVERIFY(child.waitForFinished(400'000));
        QCOMPARE(child.exitCode(), 0);
    }
};

DAYRUN_TEST(TestScreens)
#include "test_screens.moc"
