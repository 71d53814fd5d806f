// The window: rail, stages, docks, strip, actions. Opens and closes projects; everything about one
// open project lives in OpenProject and ends with it. Ui thread.
#pragma once

#include <QMainWindow>
#include <memory>

#include "core/events/run_control.h"
#include "ui/project/project_document.h"
#include "ui/project/window_memory.h"
#include "ui/shell/workbench.h"
#include "ui/stages/stage.h"

class QDockWidget;
class QMenu;
class QStackedWidget;
class QUndoView;

namespace dayrun::ui {

class CommandPalette;
class CompareStage;
class DataStage;
class Inspector;
class LogPanel;
class ModelStage;
class PlanStage;
class RunController;
class RunStage;
class StageRail;
class StatusStrip;
class WelcomePage;

class MainWindow : public QMainWindow {
    Q_OBJECT

  public:
    MainWindow(const WorkbenchOptions& options, Memory memory, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// False, with the reason on the welcome page, when the folder cannot be opened.
    bool openProject(const std::filesystem::path& folder, ProjectDocument::OpenAs open_as);
    /// Stops a running run at a checkpoint first. The draft's changes are kept or dropped as asked.
    void closeProject();
    /// Asks a running run to end so, and returns when it has; the window goes on drawing.
    void endRun(core::RunRequest request);
    void showStage(StageId stage);
    void showWelcome();
    /// Shows the newest recorded run on stage Run, for pictures.
    void showNewestRun();
    StageId currentStage() const { return m_current; }

    /// Null when no project is open.
    ProjectDocument* document() const;
    RunController* runs() const;
    DataStage* dataStage() const;
    PlanStage* planStage() const;
    RunStage* runStage() const;
    CompareStage* compareStage() const;
    /// An action by its name ("run.start"); null when there is none.
    QAction* action(const QString& name) const;

  protected:
    void closeEvent(QCloseEvent* event) override;

  private:
    struct OpenProject;

    QAction* addCommand(QMenu* menu, const QString& name, const QString& text,
                        const QKeySequence& keys, std::function<void()> handler);
    void makeActions();
    void makeFileMenu();
    void makeEditMenu();
    void makeViewMenu();
    void makeDataMenu();
    void makeRunMenu();
    void makeHelpMenu();
    void makeDocks();
    void resetLayout();
    void showDocks(bool has_project);
    void connectProject();
    void showTitle();
    void showEnabled();
    void showStatusOf(StageId stage);
    void newProject();
    void chooseProject();
    void makeSample();
    void commitTyped();
    bool save();
    bool mayCloseProject();
    void requestStop(core::RunRequest request);
    void continueShownRun();
    void showShortcuts();
    void cycleDocks();
    void setAppearance(Appearance appearance);

    WorkbenchOptions m_options;
    WindowMemory m_memory;
    StageId m_current = StageId::Data;
    StageRail* m_rail;
    QStackedWidget* m_pages;
    WelcomePage* m_welcome;
    StatusStrip* m_strip;
    Inspector* m_inspector;
    LogPanel* m_log;
    QUndoView* m_history;
    QDockWidget* m_inspector_dock = nullptr;
    QDockWidget* m_log_dock = nullptr;
    QDockWidget* m_history_dock = nullptr;
    QMenu* m_stop_menu = nullptr;
    CommandPalette* m_palette = nullptr;
    QByteArray m_first_layout;
    std::unique_ptr<OpenProject> m_open;
};

}  // namespace dayrun::ui
