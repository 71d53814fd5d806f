// Events of the run thread become signals of the window. Neighbour: core/run/run_thread.h.
#include "ui/bridge/run_controller.h"

#include <algorithm>

#include "core/base/build_info.h"
#include "core/base/clock.h"
#include "core/recipe/recipe_yaml.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

constexpr int kDrainEveryMs = 100;

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

// Jobs get the folder as a value: a query may outlive the project that asked.
core::Result<RunView> readRun(const std::filesystem::path& folder, const std::string& run_id) {
    TRY(query, core::RunQuery::open(folder / "project.sqlite"));
    TRY(record, query.run(run_id));
    TRY(steps, query.steps(record.run_id));
    TRY(evals, query.evals(record.run_id));
    RunView view{.run_id = toQt(record.run_id),
                 .name = toQt(record.name),
                 .state = record.state,
                 .recipe = {},
                 .total_steps = record.total_steps,
                 .started_at = record.started_at,
                 .steps = std::move(steps),
                 .evals = std::move(evals),
                 .error = toQt(record.error)};
    auto recipe =
        core::parse_recipe(record.recipe_yaml, "recipe.yaml", folder / "runs" / record.run_id);
    if (recipe.ok()) view.recipe = std::move(recipe).value();
    return view;
}

}  // namespace

// Called on the run thread; owns nothing that the ui thread changes without care.
class RunController::Listener final : public core::RunListener {
  public:
    explicit Listener(RunController& controller) : m_controller(controller) {}

    void on_event(const core::RunEvent& event) override {
        if (const auto* step = std::get_if<core::StepMetrics>(&event.body)) {
            m_channel.push(*step);
            return;
        }
        QMetaObject::invokeMethod(
            &m_controller, [this, event] { m_controller.handle(event); }, Qt::QueuedConnection);
    }

    core::MetricChannel<core::StepMetrics, 4096>& channel() { return m_channel; }

  private:
    RunController& m_controller;
    core::MetricChannel<core::StepMetrics, 4096> m_channel;
};

RunController::RunController(core::Project& project, core::EngineFactory make_engine,
                             core::Device device, const QString& device_name, QObject* parent)
    : QObject(parent),
      m_project(project),
      m_device(device),
      m_device_name(device_name),
      m_listener(std::make_unique<Listener>(*this)) {
    m_thread = std::make_unique<core::RunThread>(
        project, std::move(make_engine), *m_listener, [this](const core::RunOutcome& outcome) {
            QMetaObject::invokeMethod(
                this, [this, outcome] { finish(outcome); }, Qt::QueuedConnection);
        });
    m_drain_timer.setInterval(kDrainEveryMs);
    connect(&m_drain_timer, &QTimer::timeout, this, &RunController::drain);
}

RunController::~RunController() {
    m_drain_timer.stop();
    m_thread.reset();
}

core::Result<QString> RunController::start(const core::Recipe& recipe) {
    core::RunOrder order{.recipe = recipe,
                         .device = m_device,
                         .build_id = std::string(core::build_info().build_id),
                         .device_name = toStd(m_device_name)};
    m_read_job.cancel();
    return launch(std::move(order), RunView{.run_id = {},
                                            .name = toQt(recipe.name),
                                            .state = core::RunState::Preparing,
                                            .recipe = recipe,
                                            .total_steps = 0,
                                            .started_at = core::unix_time_s(),
                                            .steps = {},
                                            .evals = {},
                                            .error = {}});
}

void RunController::continueRun(const QString& run_id) {
    if (isRunning()) return;
    m_read_job = startJob(
        this,
        [folder = m_project.folder(), id = toStd(run_id)](std::stop_token) {
            return readRun(folder, id);
        },
        [this](core::Result<RunView> read) {
            const auto tell = [this](const core::Error& error) {
                Q_EMIT logArrived(QStringLiteral("error"), toQt(error));
            };
            if (!read.ok()) return tell(read.error());
            if (isRunning()) return;
            RunView view = std::move(read).value();
            view.state = core::RunState::Preparing;
            view.error.clear();
            core::RunOrder order{.recipe = view.recipe,
                                 .run_id = toStd(view.run_id),
                                 .resumes = true,
                                 .device = m_device,
                                 .build_id = std::string(core::build_info().build_id),
                                 .device_name = toStd(m_device_name)};
            const auto launched = launch(std::move(order), std::move(view));
            if (!launched.ok()) tell(launched.error());
        });
}

core::Result<QString> RunController::launch(core::RunOrder order, RunView view) {
    TRY(run_id, m_thread->start(std::move(order)));
    view.run_id = toQt(run_id);
    m_current = std::move(view);
    m_pending = core::RunRequest::None;
    m_dropped_seen = m_listener->channel().dropped();
    m_drain_timer.start();
    Q_EMIT currentReplaced();
    Q_EMIT started(m_current->run_id);
    Q_EMIT stateChanged();
    return m_current->run_id;
}

void RunController::request(core::RunRequest wanted) {
    if (!isRunning()) return;
    m_pending = std::max(m_pending, wanted);
    m_thread->request(wanted);
    Q_EMIT stateChanged();
}

// From the start until the ui thread has heard of the end, so that all parts agree.
bool RunController::isRunning() const {
    return m_drain_timer.isActive();
}

void RunController::drain() {
    if (!m_current) return;
    const size_t first = m_current->steps.size();
    bool has_gone_back = false;
    while (const auto step = m_listener->channel().pop()) {
        // A run that goes on repeats what its crash cut off: the steps after its resume point.
        if (!m_current->steps.empty() && m_current->steps.back().step >= step->step) {
            const auto is_repeated = [&](const auto& known) { return known.step >= step->step; };
            std::erase_if(m_current->steps, is_repeated);
            std::erase_if(m_current->evals, is_repeated);
            has_gone_back = true;
        }
        m_current->steps.push_back(*step);
    }
    if (has_gone_back) Q_EMIT currentReplaced();
    const uint64_t dropped = m_listener->channel().dropped();
    if (dropped != m_dropped_seen) {
        m_dropped_seen = dropped;
        refillGap();
    }
    if (has_gone_back || m_current->steps.size() == first) return;
    if (m_current->total_steps == 0) readTotalSteps();
    Q_EMIT stepsArrived(static_cast<int>(first));
}

// The ring was full (a blocked window): the records have every step, so all are read again.
void RunController::refillGap() {
    const QString run_id = m_current->run_id;
    m_gap_job = startJob(
        this,
        [folder = m_project.folder(), id = toStd(run_id)](std::stop_token) {
            return readRun(folder, id);
        },
        [this, run_id](core::Result<RunView> read) {
            if (!read.ok() || !m_current || m_current->run_id != run_id) return;
            auto known = std::move(m_current->steps);
            m_current->steps = std::move(read.value().steps);
            const int64_t last = m_current->steps.empty() ? 0 : m_current->steps.back().step;
            for (const core::StepMetrics& step : known) {
                if (step.step > last) m_current->steps.push_back(step);
            }
            Q_EMIT currentReplaced();
        });
}

void RunController::readTotalSteps() {
    const QString run_id = m_current->run_id;
    m_total_job = startJob(
        this,
        [folder = m_project.folder(),
         id = toStd(run_id)](std::stop_token) -> core::Result<int64_t> {
            TRY(query, core::RunQuery::open(folder / "project.sqlite"));
            TRY(record, query.run(id));
            return record.total_steps;
        },
        [this, run_id](core::Result<int64_t> total) {
            if (!total.ok() || !m_current || m_current->run_id != run_id) return;
            m_current->total_steps = *total;
            Q_EMIT stateChanged();
        });
}

void RunController::handle(const core::RunEvent& event) {
    if (!m_current || toStd(m_current->run_id) != event.run_id) return;
    // Steps that came before this event are shown before it.
    drain();
    const Overloaded visitors{
        [this](const core::StateChanged& changed) {
            m_current->state = changed.state;
            Q_EMIT stateChanged();
        },
        [](const core::StepMetrics&) {},
        [this](const core::EvalMetrics& metrics) {
            m_current->evals.push_back(metrics);
            Q_EMIT evalArrived();
        },
        [this](const core::CheckpointSaved& saved) {
            Q_EMIT checkpointArrived(saved.step, toQt(saved.path), saved.bytes);
        },
        [this](const core::SampleGenerated& sample) {
            Q_EMIT sampleArrived(sample.step, toQt(sample.prompt), toQt(sample.text));
        },
        [this](const core::ExactMatchMeasured& measured) {
            const QString when = measured.step == 0 ? tr("before the run") : tr("after the run");
            Q_EMIT logArrived(QStringLiteral("info"), tr("exact match of %1 %2: %3 of %4 rows")
                                                          .arg(toQt(measured.source_id), when)
                                                          .arg(measured.matches)
                                                          .arg(measured.rows));
        },
        [this](const core::LogLine& line) {
            Q_EMIT logArrived(toQt(line.level), toQt(line.message));
        },
        [this](const core::RunFinished& done) {
            m_current->state = done.state;
            Q_EMIT stateChanged();
        },
        [this](const core::RunFailed& failed) {
            m_current->state = core::RunState::Failed;
            m_current->error = toQt(failed.error);
            Q_EMIT logArrived(QStringLiteral("error"), m_current->error);
            Q_EMIT stateChanged();
        },
    };
    std::visit(visitors, event.body);
}

void RunController::finish(const core::RunOutcome& outcome) {
    drain();
    m_drain_timer.stop();
    m_pending = core::RunRequest::None;
    if (m_current && toStd(m_current->run_id) == outcome.run_id) {
        m_current->state = outcome.state;
        if (outcome.error) m_current->error = toQt(*outcome.error);
    }
    Q_EMIT stateChanged();
    Q_EMIT finished(toQt(outcome.run_id));
}

void RunController::showRecorded(const QString& run_id) {
    if (isRunning()) return;
    m_read_job = startJob(
        this,
        [folder = m_project.folder(), id = toStd(run_id)](std::stop_token) {
            return readRun(folder, id);
        },
        [this](core::Result<RunView> read) {
            if (!read.ok()) {
                Q_EMIT logArrived(QStringLiteral("error"), toQt(read.error()));
                return;
            }
            if (isRunning()) return;
            m_current = std::move(read).value();
            Q_EMIT currentReplaced();
            Q_EMIT stateChanged();
        });
}

}  // namespace dayrun::ui
