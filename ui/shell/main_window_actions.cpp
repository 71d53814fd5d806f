// The menus: every verb of the window is a named QAction, so that the palette finds it.
#include <QActionGroup>
#include <QApplication>
#include <QDialog>
#include <QDir>
#include <QDockWidget>
#include <QFileDialog>
#include <QHeaderView>
#include <QMenuBar>
#include <QMessageBox>
#include <QStandardPaths>
#include <QTableWidget>
#include <QVBoxLayout>

#include "core/base/build_info.h"
#include "ui/bridge/run_controller.h"
#include "ui/bridge/run_text.h"
#include "ui/look/text.h"
#include "ui/panels/log_panel.h"
#include "ui/panels/status_strip.h"
#include "ui/panels/welcome_page.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/main_window.h"
#include "ui/shell/open_project.h"
#include "ui/shell/stage_rail.h"
#include "ui/stages/stage_table.h"

namespace dayrun::ui {
namespace {

// Actions that make sense with an open project only.
constexpr auto kNeedsProject = "needsProject";

}  // namespace

QAction* MainWindow::addCommand(QMenu* menu, const QString& name, const QString& text,
                                const QKeySequence& keys, std::function<void()> handler) {
    QAction* made = menu->addAction(text);
    made->setObjectName(name);
    made->setShortcut(keys);
    // The window is the parent for look-up: menus come and go, actions stay.
    made->setParent(this);
    connect(made, &QAction::triggered, this, [this, handler = std::move(handler)] {
        commitTyped();
        handler();
    });
    return made;
}

QAction* MainWindow::action(const QString& name) const {
    return findChild<QAction*>(name);
}

void MainWindow::makeActions() {
    makeFileMenu();
    makeEditMenu();
    makeViewMenu();
    makeDataMenu();
    makeRunMenu();
    makeHelpMenu();
}

void MainWindow::makeFileMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&File"));
    addCommand(menu, QStringLiteral("file.new"), tr("&New project…"), QKeySequence::New,
               [this] { newProject(); });
    addCommand(menu, QStringLiteral("file.open"), tr("&Open project…"), QKeySequence::Open,
               [this] { chooseProject(); });
    addCommand(menu, QStringLiteral("file.sample"), tr("Open the sample &project"), {}, [this] {
        makeSample();
    })->setEnabled(static_cast<bool>(m_options.make_sample_project));
    menu->addSeparator();
    addCommand(menu, QStringLiteral("file.recipe"), tr("Open &recipe…"), {}, [this] {
        const QString file = QFileDialog::getOpenFileName(
            this, tr("Open recipe"), pathText(document()->project().recipes_folder()),
            tr("Recipes (*.yaml *.yml)"));
        if (file.isEmpty()) return;
        const auto loaded = document()->loadRecipe(toPath(file));
        if (!loaded.ok()) {
            m_log->add(QStringLiteral("error"), toQt(loaded.error()));
            m_strip->announce(toQt(loaded.error()));
        }
    })->setProperty(kNeedsProject, true);
    addCommand(menu, QStringLiteral("file.save"), tr("&Save recipe"), QKeySequence::Save, [this] {
        save();
    })->setProperty(kNeedsProject, true);
    addCommand(menu, QStringLiteral("file.saveAs"), tr("Save recipe &as…"),
               QKeySequence(tr("Ctrl+Shift+S")),
               [this] {
                   const QString file = QFileDialog::getSaveFileName(
                       this, tr("Save recipe as"), pathText(document()->recipeFile()),
                       tr("Recipes (*.yaml)"));
                   if (file.isEmpty()) return;
                   const auto saved = document()->saveAs(toPath(file));
                   m_strip->announce(saved.ok() ? tr("Saved %1.").arg(file) : toQt(saved.error()));
               })
        ->setProperty(kNeedsProject, true);
    menu->addSeparator();
    addCommand(menu, QStringLiteral("file.close"), tr("&Close project"), QKeySequence::Close,
               [this] {
                   if (mayCloseProject()) closeProject();
               })
        ->setProperty(kNeedsProject, true);
    addCommand(menu, QStringLiteral("file.quit"), tr("&Quit"), QKeySequence::Quit,
               [this] { close(); });
}

void MainWindow::makeEditMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Edit"));
    addCommand(menu, QStringLiteral("edit.undo"), tr("&Undo"), QKeySequence::Undo, [this] {
        document()->undoStack().undo();
    })->setProperty(kNeedsProject, true);
    addCommand(menu, QStringLiteral("edit.redo"), tr("&Redo"), QKeySequence(tr("Ctrl+Shift+Z")),
               [this] { document()->undoStack().redo(); })
        ->setProperty(kNeedsProject, true);
    menu->addSeparator();
    addCommand(menu, QStringLiteral("edit.find"), tr("&Find in settings or rows"),
               QKeySequence::Find,
               [this] {
                   if (currentStage() == StageId::Data && !document()->recipe().data.empty()) {
                       dataStage()->focusSearch();
                   } else {
                       showStage(StageId::Plan);
                       planStage()->focusSearch();
                   }
               })
        ->setProperty(kNeedsProject, true);
}

void MainWindow::makeViewMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&View"));
    addCommand(menu, QStringLiteral("view.commands"), tr("&Commands…"), QKeySequence(tr("Ctrl+K")),
               [this] { m_palette->open(); });
    menu->addSeparator();
    for (const StageRow& row : kStages) {
        const StageId stage = row.id;
        const auto number = stagePlace(stage) + 1;
        addCommand(menu, QStringLiteral("view.stage%1").arg(number),
                   tr("Stage %1: %2").arg(number).arg(stageTitle(stage)),
                   QKeySequence(QStringLiteral("Ctrl+%1").arg(number)),
                   [this, stage] { showStage(stage); })
            ->setProperty(kNeedsProject, true);
    }
    menu->addSeparator();
    for (QDockWidget* dock : {m_inspector_dock, m_log_dock, m_history_dock}) {
        QAction* toggle = dock->toggleViewAction();
        toggle->setObjectName(QStringLiteral("view.dock.") + dock->objectName());
        menu->addAction(toggle);
    }
    addCommand(menu, QStringLiteral("view.cycle"), tr("&Next dock"), QKeySequence(Qt::Key_F6),
               [this] { cycleDocks(); });
    addCommand(menu, QStringLiteral("view.reset"), tr("&Reset layout"), {},
               [this] { resetLayout(); });
    menu->addSeparator();
    QMenu* look = menu->addMenu(tr("&Appearance"));
    auto* group = new QActionGroup(this);
    const std::array<std::pair<Appearance, QString>, 3> looks{
        {{Appearance::FollowSystem, tr("Like the &system")},
         {Appearance::Light, tr("&Light")},
         {Appearance::Dark, tr("&Dark")}}};
    for (const auto& [appearance, text] : looks) {
        QAction* made =
            addCommand(look, QStringLiteral("view.look%1").arg(static_cast<int>(appearance)), text,
                       {}, [this, appearance = appearance] { setAppearance(appearance); });
        made->setCheckable(true);
        made->setChecked(appearance == Theme::instance().appearance());
        group->addAction(made);
    }
}

void MainWindow::setAppearance(Appearance appearance) {
    Theme::instance().apply(*qobject_cast<QApplication*>(QApplication::instance()), appearance);
    m_memory.setAppearance(appearance);
}

void MainWindow::makeRunMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Run"));
    addCommand(menu, QStringLiteral("run.start"), tr("&Start run…"),
               QKeySequence(tr("Ctrl+Return")), [this] { planStage()->openPreflight(); })
        ->setProperty(kNeedsProject, true);
    addCommand(menu, QStringLiteral("run.estimate"), tr("&Estimate again"),
               QKeySequence(Qt::Key_F5), [this] { planStage()->estimate(); })
        ->setProperty(kNeedsProject, true);
    menu->addSeparator();
    m_stop_menu = menu->addMenu(tr("S&top"));
    addCommand(m_stop_menu, QStringLiteral("run.finish"), tr("&Finish now (validate, save)"), {},
               [this] { requestStop(core::RunRequest::FinishNow); });
    addCommand(m_stop_menu, QStringLiteral("run.stop"), tr("&Stop at checkpoint"),
               QKeySequence(tr("Ctrl+Shift+.")),
               [this] { requestStop(core::RunRequest::StopAtCheckpoint); });
    addCommand(m_stop_menu, QStringLiteral("run.discard"), tr("&Discard (keep nothing new)"), {},
               [this] { requestStop(core::RunRequest::Discard); });
    m_stop_menu->addSeparator();
    addCommand(m_stop_menu, QStringLiteral("run.park"), tr("&Park (free the device)"),
               QKeySequence(tr("Ctrl+.")), [this] { requestStop(core::RunRequest::Park); })
        ->setStatusTip(tr("Frees the device within seconds; Continue goes on to the last bit."));
    addCommand(menu, QStringLiteral("run.continue"), tr("&Continue the shown run"), {},
               [this] { continueShownRun(); });
}

void MainWindow::makeHelpMenu() {
    QMenu* menu = menuBar()->addMenu(tr("&Help"));
    addCommand(menu, QStringLiteral("help.welcome"), tr("&Welcome page"), {},
               [this] { showWelcome(); });
    addCommand(menu, QStringLiteral("help.keys"), tr("&Keyboard shortcuts"), {},
               [this] { showShortcuts(); });
    addCommand(menu, QStringLiteral("help.about"), tr("&About Dayrun"), {}, [this] {
        QMessageBox::about(this, tr("About Dayrun"),
                           tr("Dayrun %1\nFine-tunes language models on one machine, within a "
                              "day.\nFree software under the GNU General Public License, "
                              "version 3.")
                               .arg(toQt(core::build_info().build_id)));
    });
}

void MainWindow::showShortcuts() {
    auto* dialog = new QDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Keyboard shortcuts"));
    dialog->resize(480, 520);
    auto* table = new QTableWidget(0, 2, dialog);
    table->setHorizontalHeaderLabels({tr("Command"), tr("Keys")});
    table->setAccessibleName(dialog->windowTitle());
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->verticalHeader()->hide();
    table->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    for (const QAction* shown : m_palette->matches({})) {
        if (shown->shortcut().isEmpty()) continue;
        const int row = table->rowCount();
        table->insertRow(row);
        table->setItem(row, 0, new QTableWidgetItem(shown->text().remove(QLatin1Char('&'))));
        table->setItem(row, 1,
                       new QTableWidgetItem(shown->shortcut().toString(QKeySequence::NativeText)));
    }
    auto* column = new QVBoxLayout(dialog);
    column->addWidget(table);
    dialog->show();
}

void MainWindow::showEnabled() {
    const bool has_project = m_open != nullptr;
    const bool is_running = has_project && m_open->runs->isRunning();
    for (QAction* shown : findChildren<QAction*>()) {
        if (shown->property(kNeedsProject).toBool()) shown->setEnabled(has_project);
    }
    for (const char* name : {"run.finish", "run.stop", "run.discard", "run.park"}) {
        action(QLatin1String(name))->setEnabled(is_running);
    }
    action(QStringLiteral("run.start"))->setEnabled(has_project && !is_running);
    const RunView* shown_run = has_project ? m_open->runs->current() : nullptr;
    action(QStringLiteral("run.continue"))
        ->setEnabled(shown_run != nullptr && !is_running && isOver(shown_run->state) &&
                     shown_run->state != core::RunState::Finished);
    QAction* undo = action(QStringLiteral("edit.undo"));
    QAction* redo = action(QStringLiteral("edit.redo"));
    undo->setEnabled(has_project && m_open->document->undoStack().canUndo());
    redo->setEnabled(has_project && m_open->document->undoStack().canRedo());
    const QString undone = has_project ? m_open->document->undoStack().undoText() : QString();
    const QString redone = has_project ? m_open->document->undoStack().redoText() : QString();
    undo->setText(undone.isEmpty() ? tr("&Undo") : tr("&Undo: %1").arg(undone));
    redo->setText(redone.isEmpty() ? tr("&Redo") : tr("&Redo: %1").arg(redone));
    for (const StageRow& row : kStages) m_rail->button(row.id)->setEnabled(has_project);
}

void MainWindow::requestStop(core::RunRequest request) {
    if (m_open) m_open->runs->request(request);
}

void MainWindow::continueShownRun() {
    if (!m_open || m_open->runs->current() == nullptr) return;
    m_open->runs->continueRun(m_open->runs->current()->run_id);
    showStage(StageId::Run);
}

void MainWindow::newProject() {
    const QString folder = QFileDialog::getSaveFileName(this, tr("New project: name of the folder"),
                                                        QDir::homePath() + tr("/my-project"));
    if (folder.isEmpty() || !mayCloseProject()) return;
    openProject(toPath(folder), ProjectDocument::OpenAs::CreateIfMissing);
}

void MainWindow::chooseProject() {
    const QString folder =
        QFileDialog::getExistingDirectory(this, tr("Open project"), QDir::homePath());
    if (folder.isEmpty() || !mayCloseProject()) return;
    openProject(toPath(folder), ProjectDocument::OpenAs::Existing);
}

void MainWindow::makeSample() {
    if (!m_options.make_sample_project || !mayCloseProject()) return;
    const QString home = QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation);
    const std::filesystem::path folder = toPath(home) / "dayrun" / "sample-project";
    if (!core::Project::is_project(folder)) {
        const auto made = m_options.make_sample_project(folder);
        if (!made.ok()) {
            m_welcome->setProblem(toQt(made.error()));
            return showWelcome();
        }
    }
    openProject(folder, ProjectDocument::OpenAs::Existing);
}

}  // namespace dayrun::ui
