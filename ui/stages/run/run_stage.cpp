// Neighbours: run_charts.h (curves), bridge/run_controller.h (events), bridge/run_text.h (words).
#include "ui/stages/run/run_stage.h"

#include <QCheckBox>
#include <QHeaderView>
#include <QMenu>
#include <QScrollArea>
#include <QSlider>
#include <QStackedWidget>
#include <QTableWidget>
#include <QToolButton>
#include <QWidgetAction>
#include <map>

#include "core/base/units.h"
#include "core/recipe/recipe_schema.h"
#include "ui/bridge/card_watch.h"
#include "ui/bridge/run_controller.h"
#include "ui/bridge/run_text.h"
#include "ui/charts/chart_view.h"
#include "ui/look/basics.h"
#include "ui/look/gauges.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/panels/inspector.h"
#include "ui/project/project_document.h"
#include "ui/stages/run/card_charts.h"
#include "ui/stages/run/run_charts.h"

namespace dayrun::ui {
namespace {

constexpr double kDaySeconds = 86400;

}  // namespace

RunStage::RunStage(StageContext context, QMenu* stop_menu, QWidget* parent)
    : Stage(parent), m_context(context) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 16, 20, 16);
    m_pages = new QStackedWidget;
    column->addWidget(m_pages);
    m_pages->addWidget(makeEmpty());
    // In a low window the page scrolls: a chart squeezed flat tells nothing.
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setWidget(makeWatch(stop_menu));
    m_pages->addWidget(scroll);

    RunController& runs = context.runs;
    connect(&runs, &RunController::currentReplaced, this, &RunStage::showRun);
    connect(&runs, &RunController::stateChanged, this, &RunStage::showState);
    connect(&runs, &RunController::stepsArrived, this, [this](int first) {
        m_charts->addSteps(*m_context.runs.current(), first);
        showFacts();
    });
    connect(&runs, &RunController::evalArrived, this, [this] {
        m_charts->addEvals(*m_context.runs.current());
        showEvals();
    });
    m_tick.setInterval(1000);
    connect(&m_tick, &QTimer::timeout, this, &RunStage::showFacts);
    setCardWatch(std::make_unique<CardWatch>(CardWatch::openerOf(runs.device())));
    showRun();
}

RunStage::~RunStage() = default;

void RunStage::setCardWatch(std::unique_ptr<CardWatch> watch) {
    m_card = std::move(watch);
    connect(m_card.get(), &CardWatch::changed, this,
            [this] { m_card_charts->setMoments(m_card->moments()); });
    m_card->setRunning(m_context.runs.isRunning());
}

QWidget* RunStage::makeEmpty() {
    m_empty =
        new EmptyState(Glyph::Run, tr("No run yet"),
                       tr("A run takes the plan as it is now, frozen, and shows its curves here."));
    m_empty_start = m_empty->addPrimary(tr("Start run…"), tr("Open the pre-flight sheet"));
    connect(m_empty_start, &QPushButton::clicked, this, &RunStage::startWanted);
    auto* plan = m_empty->addSecondary(tr("Look at the plan"), tr("Show stage Plan"));
    connect(plan, &QPushButton::clicked, this, [this] { Q_EMIT stageRequested(StageId::Plan); });
    return m_empty;
}

QWidget* RunStage::makeHeader(QMenu* stop_menu) {
    auto* header = new QWidget;
    auto* line = new QHBoxLayout(header);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(12);
    m_name = new ElidedLabel;
    m_name->setFont(Theme::titleFont(m_name->font()));
    m_name->setAccessibleName(tr("Name of the run"));
    m_name->setMinimumWidth(120);
    line->addWidget(m_name, 1);
    m_state = makeLabel({});
    m_state->setAccessibleName(tr("State of the run"));
    line->addWidget(m_state);
    line->addSpacing(8);
    m_ring = new DayRing;
    line->addWidget(m_ring);
    m_clock = makeLabel({}, "muted");
    m_clock->setAccessibleName(tr("Elapsed and finishing time"));
    line->addWidget(m_clock);
    line->addSpacing(8);
    line->addWidget(makeChartOptions());
    m_continue = makeButton(tr("Con&tinue"), tr("Go on with this run, to the last bit, where it "
                                                "stopped"));
    connect(m_continue, &QPushButton::clicked, this, &RunStage::continueWanted);
    line->addWidget(m_continue);
    m_start = makeButton(tr("Start &new run…"), tr("Open the pre-flight sheet"), "primary");
    connect(m_start, &QPushButton::clicked, this, &RunStage::startWanted);
    line->addWidget(m_start);
    m_stop = new QToolButton;
    m_stop->setText(tr("Stop"));
    m_stop->setIcon(makeIcon(Glyph::Stop));
    m_stop->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_stop->setProperty("kind", QStringLiteral("button"));
    m_stop->setPopupMode(QToolButton::MenuButtonPopup);
    m_stop->setMenu(stop_menu);
    m_stop->setFocusPolicy(Qt::StrongFocus);
    m_stop->setAccessibleName(tr("Stop"));
    m_stop->setAccessibleDescription(
        tr("Stops at a checkpoint within one micro-batch; the arrow shows other ways to end"));
    m_stop->setToolTip(m_stop->accessibleDescription());
    connect(m_stop, &QToolButton::clicked, this,
            [this] { Q_EMIT stopWanted(core::RunRequest::StopAtCheckpoint); });
    line->addWidget(m_stop);
    return header;
}

QToolButton* RunStage::makeChartOptions() {
    auto* button = makeToolButton(Glyph::Settings, tr("Smoothing and scale of the loss chart"));
    button->setPopupMode(QToolButton::InstantPopup);
    auto* menu = new QMenu(button);
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(14, 10, 14, 10);
    auto* value = makeLabel(tr("Smoothing 0.90"));
    column->addWidget(value);
    auto* slider = new QSlider(Qt::Horizontal);
    slider->setRange(0, 99);
    slider->setValue(90);
    slider->setMinimumWidth(200);
    slider->setAccessibleName(tr("Smoothing"));
    slider->setAccessibleDescription(tr("0 draws every step as it is, 0.99 is very smooth"));
    column->addWidget(slider);
    auto* log_scale = new QCheckBox(tr("Logarithmic scale"));
    log_scale->setAccessibleDescription(tr("Draw the loss on a logarithmic axis"));
    column->addWidget(log_scale);
    connect(slider, &QSlider::valueChanged, this, [this, value](int percent) {
        value->setText(tr("Smoothing %1").arg(percent / 100.0, 0, 'f', 2));
        m_charts->setSmoothing(percent / 100.0);
    });
    connect(log_scale, &QCheckBox::toggled, this,
            [this](bool is_log) { m_charts->setLogScale(is_log); });
    auto* action = new QWidgetAction(menu);
    action->setDefaultWidget(panel);
    menu->addAction(action);
    button->setMenu(menu);
    return button;
}

QWidget* RunStage::makeWatch(QMenu* stop_menu) {
    auto* page = new QWidget;
    page->setProperty("kind", QStringLiteral("clear"));
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 4, 0);
    column->setSpacing(12);
    column->addWidget(makeHeader(stop_menu));
    m_problem = makeLabel({}, "bad");
    m_problem->setWordWrap(true);
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problem->hide();
    column->addWidget(m_problem);
    m_charts = new RunCharts;
    column->addWidget(m_charts, 3);
    m_card_charts = new CardCharts;
    column->addWidget(m_card_charts, 1);

    auto* below = new QHBoxLayout;
    below->setSpacing(12);
    auto* evals = new Card;
    evals->body()->addWidget(makeLabel(tr("Validation by source"), "section"));
    m_evals = new QTableWidget(0, 5);
    m_evals->setHorizontalHeaderLabels(
        {tr("Source"), tr("Loss now"), tr("Best loss"), tr("At step"), tr("Tokens")});
    m_evals->setAccessibleName(tr("Validation by source"));
    m_evals->setAccessibleDescription(tr("Loss in nats per trained token, newest and best"));
    m_evals->setProperty("kind", QStringLiteral("plain"));
    m_evals->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_evals->setShowGrid(false);
    m_evals->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_evals->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_evals->setTabKeyNavigation(false);
    m_evals->verticalHeader()->hide();
    m_evals->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_evals->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_evals->horizontalHeader()->setHighlightSections(false);
    m_evals->setWordWrap(false);
    m_evals->setMinimumHeight(120);
    for (int column_index = 1; column_index < 5; ++column_index) {
        m_evals->horizontalHeaderItem(column_index)
            ->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    }
    evals->body()->addWidget(m_evals);
    below->addWidget(evals, 3);
    auto* facts = new Card;
    facts->body()->addWidget(makeLabel(tr("This run"), "section"));
    m_facts = new FactList;
    facts->body()->addWidget(m_facts);
    facts->body()->addStretch();
    below->addWidget(facts, 2);
    column->addLayout(below, 1);
    return page;
}

void RunStage::showRun() {
    const RunView* run = m_context.runs.current();
    m_pages->setCurrentIndex(run == nullptr ? 0 : 1);
    m_charts->reset(run);
    showState();
    showEvals();
    if (isVisible()) showInInspector();
}

void RunStage::showState() {
    const RunView* run = m_context.runs.current();
    const bool is_running = m_context.runs.isRunning();
    m_card->setRunning(is_running);
    if (is_running) {
        m_tick.start();
    } else {
        m_tick.stop();
    }
    if (run == nullptr) {
        setStatus(StageStatus::Empty, tr("no run yet"));
        return;
    }
    const core::RunRequest pending = m_context.runs.pendingRequest();
    const QString state = stateText(run->state, pending);
    m_name->setText(run->name.isEmpty() ? run->run_id : run->name);
    m_state->setText(stateSign(run->state) + QLatin1Char(' ') + state);
    setKind(m_state, run->state == core::RunState::Failed     ? "bad"
                     : run->state == core::RunState::Finished ? "good"
                                                              : nullptr);
    m_problem->setText(run->error);
    m_problem->setVisible(!run->error.isEmpty());
    m_start->setVisible(!is_running);
    m_continue->setVisible(!is_running && isOver(run->state) &&
                           run->state != core::RunState::Finished);
    m_stop->setVisible(is_running);
    m_stop->setEnabled(pending == core::RunRequest::None || pending == core::RunRequest::FinishNow);
    m_charts->setEmptyText(is_running ? tr("The first point comes after step 1.")
                                      : tr("This run ended before its first step."));
    if (is_running) {
        setStatus(StageStatus::Running, state);
    } else if (run->state == core::RunState::Failed) {
        setStatus(StageStatus::Attention, tr("failed: %1").arg(run->error));
    } else {
        setStatus(StageStatus::Done, state);
    }
    showFacts();
}

void RunStage::showFacts() {
    const RunView* run = m_context.runs.current();
    if (run == nullptr) return;
    const bool is_running = m_context.runs.isRunning();
    const double elapsed = elapsedSeconds(*run, is_running);
    const bool has_steps = !run->steps.empty();
    const core::StepMetrics last = has_steps ? run->steps.back() : core::StepMetrics{};
    const double planned = is_running ? elapsed + last.eta_s : elapsed;
    m_ring->setShares(elapsed / kDaySeconds, planned / kDaySeconds);
    const QString spent = durationText(elapsed);
    m_clock->setText(is_running ? tr("%1 elapsed, %2").arg(spent, finishText(*run, true))
                                : tr("took %1").arg(spent));
    FactList::Facts facts;
    const QString of =
        run->total_steps > 0 ? tr(" of %1").arg(numberText(run->total_steps)) : QString();
    facts.emplace_back(tr("Step"), numberText(last.step) + of);
    if (has_steps) {
        facts.emplace_back(tr("Epoch"), QString::number(last.epoch, 'f', 2));
        facts.emplace_back(tr("Loss"), tr("%1 nats per token").arg(lossText(last.loss)));
        facts.emplace_back(tr("Gradient norm"), QString::number(last.grad_norm, 'g', 3));
        facts.emplace_back(tr("Speed"), speedText(last.tokens_per_second));
        facts.emplace_back(tr("Step time"), tr("%1 ms").arg(last.step_ms, 0, 'f', 0));
        facts.emplace_back(tr("Share of 24 h"),
                           tr("%1 % used").arg(100 * elapsed / kDaySeconds, 0, 'f', 2));
    }
    m_facts->setFacts(facts);
}

void RunStage::showEvals() {
    const RunView* run = m_context.runs.current();
    struct Line {
        core::EvalMetrics last;
        core::EvalMetrics best;
    };
    std::map<std::string, Line> lines;
    if (run != nullptr) {
        for (const core::EvalMetrics& eval : run->evals) {
            auto [entry, is_new] = lines.try_emplace(eval.source_id, Line{eval, eval});
            entry->second.last = eval;
            if (eval.loss < entry->second.best.loss) entry->second.best = eval;
        }
    }
    m_evals->setRowCount(static_cast<int>(lines.size()));
    int row = 0;
    for (const auto& [source, line] : lines) {
        const QStringList texts{source == "all" ? tr("all sources") : toQt(source),
                                lossText(line.last.loss), lossText(line.best.loss),
                                numberText(line.best.step), numberText(line.last.target_tokens)};
        for (int column = 0; column < texts.size(); ++column) {
            auto* item = new QTableWidgetItem(texts[column]);
            if (column > 0) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            m_evals->setItem(row, column, item);
        }
        ++row;
    }
}

void RunStage::showInInspector() {
    const RunView* run = m_context.runs.current();
    if (run == nullptr) return m_context.inspector.clear();
    // The frozen copy, as far as it differs from the defaults: what this run really does.
    FactList::Facts facts;
    for (const std::string& key : core::setting_keys(run->recipe)) {
        const std::string value = core::setting_value(run->recipe, key);
        const core::SettingInfo* info = core::find_setting(key);
        if (info == nullptr || key == "name" || value == core::setting_default(key)) continue;
        if (info->type == core::SettingType::Path || key.starts_with("data[")) continue;
        facts.emplace_back(toQt(info->label), toQt(value));
    }
    m_context.inspector.showFacts(tr("Settings of this run"), facts,
                                  tr("Frozen when it was started; defaults are left out."));
}

}  // namespace dayrun::ui
