// The application object around the window, and the picture for the documentation.
#include "ui/shell/workbench.h"

#include <QApplication>
#include <QDir>
#include <QLocale>
#include <QTimer>
#include <clocale>
#include <cstdio>
#include <cstdlib>

#include "ui/look/job.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/shell/main_window.h"
#include "ui/shell/quit_signals.h"
#include "ui/stages/compare/compare_stage.h"
#include "ui/stages/stage_table.h"

namespace dayrun::ui {
namespace {

// Grabs once no job has been pending for this long, so that tables and charts are filled.
constexpr int kQuietMs = 700;

bool isSet(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

void waitUntilQuiet() {
    int quiet_ms = 0;
    while (quiet_ms < kQuietMs) {
        QEventLoop loop;
        QTimer::singleShot(50, &loop, &QEventLoop::quit);
        loop.exec();
        quiet_ms = JobPool::instance().pendingCount() == 0 ? quiet_ms + 50 : 0;
    }
}

int grabPicture(MainWindow& window, const WorkbenchOptions& options) {
    window.resize(options.width, options.height);
    window.show();
    if (!options.project_folder.empty() &&
        !window.openProject(options.project_folder, ProjectDocument::OpenAs::Existing)) {
        std::fprintf(stderr, "The project %s cannot be opened for a picture.\n",
                     options.project_folder.c_str());
        return 2;
    }
    waitUntilQuiet();
    if (const auto stage = stageNamed(options.stage)) {
        window.showStage(*stage);
        // A picture of stage Run shows the newest recorded run.
        if (*stage == StageId::Run) window.showNewestRun();
        waitUntilQuiet();
    }
    const QPixmap picture = window.grab();
    if (!picture.save(pathText(options.screenshot_file), "PNG")) {
        std::fprintf(stderr, "The picture %s cannot be written.\n",
                     options.screenshot_file.c_str());
        return 2;
    }
    return 0;
}

}  // namespace

bool hasDisplay() {
    return isSet("DISPLAY") || isSet("WAYLAND_DISPLAY") || isSet("QT_QPA_PLATFORM");
}

void prepareApplication(QApplication& application, Appearance appearance) {
    // Qt has set the language's numbers for the C library, which core's libraries read with, too.
    std::setlocale(LC_NUMERIC, "C");
    QLocale::setDefault(QLocale::c());
    Theme::instance().apply(application, appearance);
}

int runWorkbench(int& argc, char** argv, const WorkbenchOptions& options) {
    const bool is_picture = !options.screenshot_file.empty();
    if (is_picture) {
        // Both must be known before the application object is made.
        qputenv("QT_QPA_PLATFORM", "offscreen");
        qputenv("QT_SCALE_FACTOR", QByteArray::number(options.scale));
    }
    QApplication application(argc, argv);
    QApplication::setApplicationName(QStringLiteral("Dayrun"));
    QApplication::setDesktopFileName(QStringLiteral("dayrun"));
    const Memory memory = is_picture ? Memory::Forget : Memory::Keep;
    WindowMemory remembered(memory);
    prepareApplication(application, options.dark ? Appearance::Dark : remembered.appearance());
    MainWindow window(options, memory);
    if (is_picture) return grabPicture(window, options);
    window.show();
    if (!options.project_folder.empty()) {
        window.openProject(options.project_folder, ProjectDocument::OpenAs::CreateIfMissing);
    } else if (const QStringList recent = remembered.recentProjects(); !recent.isEmpty()) {
        window.openProject(toPath(recent.front()), ProjectDocument::OpenAs::Existing);
    }
    // Ctrl-C in the terminal: what trains is saved first, as in --batch.
    QuitSignals signals_of_terminal;
    QObject::connect(&signals_of_terminal, &QuitSignals::quitAsked, &window, [&window] {
        window.endRun(core::RunRequest::StopAtCheckpoint);
        window.closeProject();
        QApplication::exit(1);
    });
    return QApplication::exec();
}

}  // namespace dayrun::ui
