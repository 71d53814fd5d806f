// The only object of the window that talks to core/run: starts runs, passes requests on, and turns
// the events of the run thread into signals of the ui thread. Steps travel through a lock-free
// ring drained every 100 ms; rare events by queued calls. The run thread never waits for a window.
// Lives on the ui thread; on_event alone is called on the run thread.
#pragma once

#include <QObject>
#include <QTimer>
#include <QVector>
#include <memory>
#include <optional>
#include <vector>

#include "core/events/metric_channel.h"
#include "core/events/run_event.h"
#include "core/run/run_order.h"
#include "core/run/run_thread.h"
#include "ui/look/job.h"

namespace dayrun::ui {

/// What the window knows about the run it shows: the running one, or one read from the records.
struct RunView {
    QString run_id;
    QString name;
    core::RunState state = core::RunState::Draft;
    core::Recipe recipe;  // the frozen copy
    int64_t total_steps = 0;
    double started_at = 0;  // unix seconds
    std::vector<core::StepMetrics> steps;
    std::vector<core::EvalMetrics> evals;
    QString error;  // of a failed run
};

class RunController : public QObject {
    Q_OBJECT

  public:
    RunController(core::Project& project, core::EngineFactory make_engine, core::Device device,
                  const QString& device_name, QObject* parent = nullptr);
    /// Stops a running run at a checkpoint and waits for it.
    ~RunController() override;

    /// Starts a run with a frozen copy of the recipe; its view is current() from now on.
    core::Result<QString> start(const core::Recipe& recipe);
    /// Goes on with a recorded run from its newest resume point; it is current() once its records
    /// are read, in the background. What cannot go on ends as a failed run that says why.
    void continueRun(const QString& run_id);
    void request(core::RunRequest wanted);
    bool isRunning() const;
    /// The last request of the current run that has not been answered yet.
    core::RunRequest pendingRequest() const { return m_pending; }

    /// The run that is running or ran last in this window; null before the first.
    const RunView* current() const { return m_current ? &*m_current : nullptr; }
    /// Shows a recorded run as current, as long as none is running. Read in the background.
    void showRecorded(const QString& run_id);
    const core::Device& device() const { return m_device; }

    /// "CPU, 2 threads", as it is recorded with every run.
    const QString& deviceName() const { return m_device_name; }

  Q_SIGNALS:
    void started(const QString& run_id);
    void stateChanged();
    /// New steps stand at the end of current()->steps, from index `first`.
    void stepsArrived(int first);
    void evalArrived();
    void logArrived(const QString& level, const QString& message);
    void sampleArrived(qint64 step, const QString& prompt, const QString& text);
    void checkpointArrived(qint64 step, const QString& path, qint64 bytes);
    /// The session has ended and its engine is gone.
    void finished(const QString& run_id);
    /// Another run stands in current(): all charts start anew.
    void currentReplaced();

  private:
    class Listener;

    core::Result<QString> launch(core::RunOrder order, RunView view);
    void drain();
    void handle(const core::RunEvent& event);
    void finish(const core::RunOutcome& outcome);
    void refillGap();
    void readTotalSteps();

    core::Project& m_project;
    core::Device m_device;
    QString m_device_name;
    std::optional<RunView> m_current;
    core::RunRequest m_pending = core::RunRequest::None;
    uint64_t m_dropped_seen = 0;
    QTimer m_drain_timer;
    Job m_read_job;
    Job m_gap_job;
    Job m_total_job;
    std::unique_ptr<Listener> m_listener;       // outlives the thread
    std::unique_ptr<core::RunThread> m_thread;  // ends first: declared last
};

}  // namespace dayrun::ui
