// Building, opening and closing. Neighbour: main_window_actions.cpp has the menus and their verbs.
#include "ui/shell/main_window.h"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QEventLoop>
#include <QMessageBox>
#include <QPointer>
#include <QStackedWidget>
#include <QStatusBar>
#include <QUndoView>
#include <QVBoxLayout>
#include <array>

#include "ui/bridge/run_controller.h"
#include "ui/bridge/run_text.h"
#include "ui/look/text.h"
#include "ui/models/run_table_model.h"
#include "ui/panels/inspector.h"
#include "ui/panels/log_panel.h"
#include "ui/panels/status_strip.h"
#include "ui/panels/welcome_page.h"
#include "ui/shell/command_palette.h"
#include "ui/shell/open_project.h"
#include "ui/shell/stage_rail.h"
#include "ui/stages/compare/compare_stage.h"
#include "ui/stages/data/data_stage.h"
#include "ui/stages/model/model_stage.h"
#include "ui/stages/plan/plan_stage.h"
#include "ui/stages/run/run_stage.h"
#include "ui/stages/stage_table.h"

namespace dayrun::ui {
namespace {

// Raise it when docks are added or renamed: an old layout is then not restored.
constexpr int kLayoutVersion = 1;

}  // namespace

MainWindow::MainWindow(const WorkbenchOptions& options, Memory memory, QWidget* parent)
    : QMainWindow(parent), m_options(options), m_memory(memory) {
    setWindowIcon(applicationIcon());
    resize(1360, 860);
    setMinimumSize(960, 600);
    auto* center = new QWidget;
    auto* line = new QHBoxLayout(center);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(0);
    m_rail = new StageRail;
    line->addWidget(m_rail);
    m_pages = new QStackedWidget;
    line->addWidget(m_pages, 1);
    setCentralWidget(center);
    connect(m_rail, &StageRail::stageChosen, this, &MainWindow::showStage);

    m_welcome = new WelcomePage;
    m_welcome->setSampleAvailable(static_cast<bool>(m_options.make_sample_project));
    m_pages->addWidget(m_welcome);
    connect(m_welcome, &WelcomePage::newProject, this, &MainWindow::newProject);
    connect(m_welcome, &WelcomePage::openProject, this, &MainWindow::chooseProject);
    connect(m_welcome, &WelcomePage::sampleProject, this, &MainWindow::makeSample);
    connect(m_welcome, &WelcomePage::recentChosen, this, [this](const QString& folder) {
        openProject(toPath(folder), ProjectDocument::OpenAs::Existing);
    });

    m_strip = new StatusStrip;
    statusBar()->setSizeGripEnabled(false);
    statusBar()->addPermanentWidget(m_strip, 1);
    makeDocks();
    makeActions();
    m_palette = new CommandPalette(this);
    m_first_layout = saveState(kLayoutVersion);
    restoreGeometry(m_memory.geometry());
    showDocks(false);
    showWelcome();
    showEnabled();
    showTitle();
}

// A dying undo stack still tells its changes: the project must be gone before the window's parts.
MainWindow::~MainWindow() {
    closeProject();
}

void MainWindow::makeDocks() {
    setDockOptions(QMainWindow::AnimatedDocks | QMainWindow::AllowTabbedDocks);
    const auto dock = [this](const QString& name, const QString& title, QWidget* content,
                             Qt::DockWidgetArea area) {
        auto* made = new QDockWidget(title, this);
        made->setObjectName(name);
        made->setAccessibleName(title);
        made->setWidget(content);
        addDockWidget(area, made);
        return made;
    };
    m_inspector = new Inspector;
    m_inspector->setMinimumWidth(220);
    m_inspector_dock =
        dock(QStringLiteral("inspector"), tr("Inspector"), m_inspector, Qt::RightDockWidgetArea);
    m_log = new LogPanel;
    m_log->setMinimumHeight(60);
    m_log_dock = dock(QStringLiteral("log"), tr("Log"), m_log, Qt::BottomDockWidgetArea);
    m_history = new QUndoView;
    m_history->setEmptyLabel(tr("as opened"));
    m_history->setAccessibleName(tr("History of changes"));
    m_history_dock =
        dock(QStringLiteral("history"), tr("History"), m_history, Qt::RightDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    resizeDocks({m_inspector_dock}, {250}, Qt::Horizontal);
    resizeDocks({m_log_dock}, {92}, Qt::Vertical);
    m_history_dock->hide();
}

// Without a project the docks have nothing to say: the welcome page stands alone.
void MainWindow::showDocks(bool has_project) {
    if (has_project) {
        const QByteArray known = m_memory.dockState();
        if (known.isEmpty() || !restoreState(known, kLayoutVersion)) resetLayout();
        return;
    }
    for (QDockWidget* dock : {m_inspector_dock, m_log_dock, m_history_dock}) dock->hide();
}

void MainWindow::resetLayout() {
    restoreState(m_first_layout, kLayoutVersion);
}

ProjectDocument* MainWindow::document() const {
    return m_open ? m_open->document.get() : nullptr;
}
RunController* MainWindow::runs() const {
    return m_open ? m_open->runs.get() : nullptr;
}
DataStage* MainWindow::dataStage() const {
    return m_open ? m_open->data : nullptr;
}
PlanStage* MainWindow::planStage() const {
    return m_open ? m_open->plan : nullptr;
}
RunStage* MainWindow::runStage() const {
    return m_open ? m_open->run : nullptr;
}
CompareStage* MainWindow::compareStage() const {
    return m_open ? m_open->compare : nullptr;
}

bool MainWindow::openProject(const std::filesystem::path& folder, ProjectDocument::OpenAs open_as) {
    closeProject();
    auto opened = ProjectDocument::open(folder, open_as);
    if (!opened.ok()) {
        m_welcome->setProblem(toQt(opened.error()));
        showWelcome();
        return false;
    }
    m_welcome->setProblem({});
    m_open = std::make_unique<OpenProject>();
    m_open->document = std::move(opened).value();
    m_open->runs =
        std::make_unique<RunController>(m_open->document->project(), m_options.make_engine,
                                        m_options.device, toQt(m_options.device_name));
    const StageContext context{*m_open->document, *m_open->runs, *m_inspector};
    m_open->data = new DataStage(context);
    m_open->model = new ModelStage(context);
    m_open->plan = new PlanStage(context);
    m_open->run = new RunStage(context, m_stop_menu);
    m_open->compare = new CompareStage(context);
    for (Stage* stage : m_open->stages()) m_pages->addWidget(stage);
    showDocks(true);
    connectProject();
    m_memory.addRecentProject(pathText(m_open->document->project().folder()));
    m_log->add(QStringLiteral("info"),
               tr("Opened %1").arg(pathText(m_open->document->project().folder())));
    if (const QString problem = m_open->document->recipeProblem(); !problem.isEmpty()) {
        m_log->add(QStringLiteral("error"), problem);
        m_strip->announce(tr("The newest recipe could not be read: see the log."));
    }
    showStage(m_open->document->recipe().data.empty() ? StageId::Data : StageId::Plan);
    return true;
}

void MainWindow::connectProject() {
    ProjectDocument& document = *m_open->document;
    RunController& runs = *m_open->runs;
    m_history->setStack(&document.undoStack());
    m_strip->setController(&runs);
    const auto stages = m_open->stages();
    for (size_t i = 0; i < stages.size(); ++i) {
        const StageId id = kStages[i].id;
        connect(stages[i], &Stage::statusChanged, this, [this, id] { showStatusOf(id); });
        connect(stages[i], &Stage::stageRequested, this, &MainWindow::showStage);
        showStatusOf(id);
    }
    connect(m_open->plan, &PlanStage::runStarted, this, [this] { showStage(StageId::Run); });
    connect(m_open->plan, &PlanStage::lookWanted, this, [this](const QString& check) {
        showStage(StageId::Data);
        m_open->data->showCheck(check);
    });
    connect(m_open->run, &RunStage::continueWanted, this, &MainWindow::continueShownRun);
    connect(m_open->run, &RunStage::startWanted, this, [this] { m_open->plan->openPreflight(); });
    connect(m_open->run, &RunStage::stopWanted, this, &MainWindow::requestStop);
    // Stage Run shows the last run of the project until another one is started or chosen.
    connect(&m_open->compare->runs(), &QAbstractItemModel::modelReset, m_open->run, [this] {
        if (m_open->runs->current() == nullptr) showNewestRun();
    });
    connect(m_open->compare, &CompareStage::openRunWanted, this, [this](const QString& run_id) {
        m_open->runs->showRecorded(run_id);
        showStage(StageId::Run);
    });
    connect(m_open->compare, &CompareStage::continueRunWanted, this, [this](const QString& run_id) {
        m_open->runs->continueRun(run_id);
        showStage(StageId::Run);
    });
    connect(&runs, &RunController::logArrived, m_log, &LogPanel::add);
    connect(&runs, &RunController::checkpointArrived, this,
            [this](qint64 step, const QString& path) {
                m_log->add(QStringLiteral("info"), tr("Saved step %1 in %2").arg(step).arg(path));
                m_strip->announce(tr("Saved a checkpoint at step %1.").arg(step));
            });
    connect(&runs, &RunController::sampleArrived, this,
            [this](qint64 step, const QString& prompt, const QString& text) {
                m_log->add(QStringLiteral("sample"),
                           tr("step %1: %2 -> %3").arg(step).arg(prompt, text));
            });
    connect(&runs, &RunController::finished, this, [this](const QString&) {
        const RunView* run = m_open->runs->current();
        if (run != nullptr) {
            m_strip->announce(tr("%1: %2.").arg(run->name, stateText(run->state)));
            m_log->add(QStringLiteral("info"),
                       tr("%1 ended: %2").arg(run->name, stateText(run->state)));
        }
        QApplication::alert(this);
        showEnabled();
    });
    connect(&runs, &RunController::stateChanged, this, &MainWindow::showEnabled);
    connect(&document, &ProjectDocument::recipeFileChanged, this, &MainWindow::showTitle);
    connect(&document.undoStack(), &QUndoStack::cleanChanged, this, &MainWindow::showTitle);
    connect(&document.undoStack(), &QUndoStack::indexChanged, this, &MainWindow::showEnabled);
    showTitle();
    showEnabled();
}

void MainWindow::closeProject() {
    if (!m_open) return;
    m_memory.setLayout(saveGeometry(), saveState(kLayoutVersion));
    m_strip->setController(nullptr);
    m_history->setStack(nullptr);
    m_inspector->clear();
    for (Stage* stage : m_open->stages()) {
        m_pages->removeWidget(stage);
        delete stage;
    }
    // The controller stops a running run at a checkpoint and waits before the project is let go.
    m_open.reset();
    showDocks(false);
    showWelcome();
    showEnabled();
    showTitle();
}

void MainWindow::showStage(StageId stage) {
    if (!m_open) return;
    m_current = stage;
    m_pages->setCurrentWidget(m_open->stages()[stagePlace(stage)]);
    m_rail->setCurrent(stage);
    m_open->stages()[stagePlace(stage)]->showInInspector();
}

void MainWindow::showWelcome() {
    m_welcome->setRecent(m_memory.recentProjects());
    m_pages->setCurrentWidget(m_welcome);
    m_rail->clearCurrent();
}

void MainWindow::showNewestRun() {
    if (!m_open || m_open->compare->runs().runs().empty()) return;
    m_open->runs->showRecorded(toQt(m_open->compare->runs().runs().front().run_id));
}

void MainWindow::showStatusOf(StageId stage) {
    const Stage* shown = m_open->stages()[stagePlace(stage)];
    m_rail->setStatus(stage, shown->status(), shown->statusText());
}

void MainWindow::showTitle() {
    if (!m_open) {
        setWindowTitle(tr("Dayrun"));
        setWindowModified(false);
        return;
    }
    const QString file = toQt(m_open->document->recipeFile().filename().string());
    setWindowTitle(tr("%1 \u2013 %2[*] \u2013 Dayrun").arg(m_open->document->title(), file));
    setWindowModified(!m_open->document->undoStack().isClean());
}

bool MainWindow::save() {
    const auto saved = m_open->document->save();
    if (!saved.ok()) {
        m_log->add(QStringLiteral("error"), toQt(saved.error()));
        m_strip->announce(toQt(saved.error()));
        return false;
    }
    m_strip->announce(tr("Saved %1.").arg(pathText(m_open->document->recipeFile())));
    return true;
}

// A field counts once it is left, and a command may come while it still has the focus.
void MainWindow::commitTyped() {
    const QPointer<QWidget> field = QApplication::focusWidget();
    if (field == nullptr || field->window() != this) return;
    field->clearFocus();
    if (field != nullptr) field->setFocus();
}

// The two decisions a person must take; everything else is undone instead of asked about.
bool MainWindow::mayCloseProject() {
    if (!m_open) return true;
    commitTyped();
    if (m_open->runs->isRunning()) {
        QMessageBox box(QMessageBox::Question, tr("A run is going on"),
                        tr("Park it (Continue goes on to the last bit), stop it at a checkpoint, "
                           "or keep training?"),
                        QMessageBox::NoButton, this);
        QPushButton* park = box.addButton(tr("Park and close"), QMessageBox::AcceptRole);
        QPushButton* stop =
            box.addButton(tr("Stop at checkpoint and close"), QMessageBox::AcceptRole);
        QPushButton* keep = box.addButton(tr("Keep training"), QMessageBox::RejectRole);
        box.setDefaultButton(park);
        box.setEscapeButton(keep);
        box.exec();
        if (box.clickedButton() == park) endRun(core::RunRequest::Park);
        if (box.clickedButton() == stop) endRun(core::RunRequest::StopAtCheckpoint);
        if (box.clickedButton() != park && box.clickedButton() != stop) return false;
    }
    if (m_open->document->undoStack().isClean()) return true;
    QMessageBox box(
        QMessageBox::Question, tr("Changes to the recipe"),
        tr("Save the changes to %1?").arg(toQt(m_open->document->recipeFile().filename().string())),
        QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, this);
    const int answer = box.exec();
    if (answer == QMessageBox::Cancel) return false;
    return answer == QMessageBox::Discard || save();
}

void MainWindow::endRun(core::RunRequest request) {
    if (!m_open || !m_open->runs->isRunning()) return;
    QEventLoop loop;
    connect(m_open->runs.get(), &RunController::finished, &loop, &QEventLoop::quit);
    m_open->runs->request(request);
    m_strip->announce(tr("Ending the run, then closing…"));
    // Nothing else may be begun meanwhile.
    setEnabled(false);
    loop.exec();
    setEnabled(true);
}

void MainWindow::closeEvent(QCloseEvent* event) {
    if (!mayCloseProject()) {
        event->ignore();
        return;
    }
    closeProject();
    QMainWindow::closeEvent(event);
}

}  // namespace dayrun::ui
