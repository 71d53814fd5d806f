// Neighbours: core/records/compare.h aligns, models/ shows, charts/chart_view.h draws.
#include "ui/stages/compare/compare_stage.h"

#include <QCheckBox>
#include <QComboBox>
#include <QHeaderView>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTableView>
#include <map>

#include "core/base/clock.h"
#include "core/recipe/recipe_yaml.h"
#include "ui/bridge/run_controller.h"
#include "ui/bridge/run_text.h"
#include "ui/charts/chart_view.h"
#include "ui/look/basics.h"
#include "ui/look/row_table.h"
#include "ui/look/text.h"
#include "ui/look/theme.h"
#include "ui/models/run_table_model.h"
#include "ui/models/setting_diff_model.h"
#include "ui/panels/inspector.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

struct Compared {
    core::Comparison comparison;
    std::vector<core::SettingDiff> all;  // every setting, for Everything
};

// Settings of all runs as rows in the order of the first run's.
core::Result<std::vector<core::SettingDiff>> allSettings(const core::RunQuery& query,
                                                         const core::Comparison& comparison) {
    std::vector<core::SettingDiff> rows;
    std::map<std::string, size_t> place;
    for (size_t i = 0; i < comparison.runs.size(); ++i) {
        TRY(settings, query.settings(comparison.runs[i].record.run_id));
        for (const auto& [key, value] : settings) {
            const auto [entry, is_new] = place.try_emplace(key, rows.size());
            if (is_new) {
                rows.push_back({key, std::vector<std::string>(comparison.runs.size())});
            }
            rows[entry->second].values[i] = value;
        }
    }
    return rows;
}

core::Result<Compared> compareRuns(const std::filesystem::path& database,
                                   const std::vector<std::string>& ids, core::SeriesAxis axis) {
    TRY(query, core::RunQuery::open(database));
    TRY(comparison, core::compare_runs(query, ids, {.axis = axis, .columns = 1500}));
    TRY(all, allSettings(query, comparison));
    return Compared{std::move(comparison), std::move(all)};
}

}  // namespace

CompareStage::CompareStage(StageContext context, QWidget* parent)
    : Stage(parent), m_context(context) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 16, 20, 16);
    m_pages = new QStackedWidget;
    column->addWidget(m_pages);
    m_pages->addWidget(makeEmpty());

    auto* page = new QWidget;
    auto* inner = new QVBoxLayout(page);
    inner->setContentsMargins(0, 0, 0, 0);
    inner->setSpacing(12);
    inner->addWidget(makeTitle(tr("Compare runs")));
    auto* split = new QSplitter(Qt::Vertical);
    split->setChildrenCollapsible(false);
    split->setHandleWidth(14);
    split->addWidget(makeTable());
    m_tabs = new QTabWidget;
    m_tabs->setDocumentMode(true);
    m_tabs->addTab(makeCurves(), tr("Curves"));
    m_tabs->addTab(makeSettings(), tr("Settings"));
    split->addWidget(m_tabs);
    split->setStretchFactor(0, 1);
    split->setStretchFactor(1, 2);
    inner->addWidget(split, 1);
    m_pages->addWidget(page);

    connect(m_runs, &RunTableModel::tickedChanged, this, &CompareStage::compare);
    connect(&context.runs, &RunController::finished, this, &CompareStage::reload);
    connect(&context.runs, &RunController::started, this, &CompareStage::reload);
    setStatus(StageStatus::Empty, tr("no runs yet"));
    reload();
}

QWidget* CompareStage::makeEmpty() {
    auto* empty = new EmptyState(
        Glyph::Compare, tr("Nothing to compare yet"),
        tr("Every run of this project is kept here. Tick two and see their curves over each other "
           "and the settings in which they differ."));
    auto* plan = empty->addPrimary(tr("Plan a run"), tr("Show stage Plan"));
    connect(plan, &QPushButton::clicked, this, [this] { Q_EMIT stageRequested(StageId::Plan); });
    return empty;
}

QWidget* CompareStage::makeTable() {
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(8);
    m_runs = new RunTableModel(this);
    m_table = new QTableView;
    m_table->setModel(m_runs);
    prepareTable(*m_table, tr("Runs"), tr("Space ticks a run for comparison"));
    m_table->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_table->horizontalHeader()->setSectionResizeMode(RunTableModel::Name, QHeaderView::Stretch);
    m_table->setMinimumHeight(120);
    column->addWidget(m_table, 1);
    auto* line = new QHBoxLayout;
    m_hint = makeLabel({}, "muted");
    m_hint->setWordWrap(true);
    line->addWidget(m_hint, 1);
    m_open = makeButton(tr("Show on stage &Run"), tr("Show the selected run with all its curves"));
    m_open->setEnabled(false);
    line->addWidget(m_open);
    m_continue = makeButton(tr("Con&tinue"),
                            tr("Go on with the selected run, to the last bit, where it stopped"));
    m_continue->setEnabled(false);
    line->addWidget(m_continue);
    m_use =
        makeButton(tr("&Use these settings"),
                   tr("Make the selected run's recipe the draft; undo brings the old one back"));
    m_use->setEnabled(false);
    line->addWidget(m_use);
    column->addLayout(line);
    connect(m_open, &QPushButton::clicked, this, [this] {
        const int row = m_table->currentIndex().row();
        if (row >= 0) Q_EMIT openRunWanted(toQt(m_runs->runs()[static_cast<size_t>(row)].run_id));
    });
    connect(m_continue, &QPushButton::clicked, this, [this] {
        const int row = m_table->currentIndex().row();
        if (row < 0) return;
        Q_EMIT continueRunWanted(toQt(m_runs->runs()[static_cast<size_t>(row)].run_id));
    });
    connect(m_use, &QPushButton::clicked, this, [this] {
        const int row = m_table->currentIndex().row();
        if (row < 0) return;
        const core::RunRecord& run = m_runs->runs()[static_cast<size_t>(row)];
        const auto folder = m_context.document.project().run_folder(run.run_id);
        const auto recipe = core::parse_recipe(run.recipe_yaml, "recipe.yaml", folder);
        if (!recipe.ok()) return m_hint->setText(toQt(recipe.error()));
        m_context.document.applyRecipe(*recipe, toQt(run.name.empty() ? run.run_id : run.name));
        Q_EMIT stageRequested(StageId::Plan);
    });
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            &CompareStage::showSelected);
    return panel;
}

QWidget* CompareStage::makeCurves() {
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 10, 0, 0);
    column->setSpacing(8);
    auto* line = new QHBoxLayout;
    line->addWidget(makeLabel(tr("Curve"), "muted"));
    m_curve = new QComboBox;
    m_curve->addItems({tr("Training loss, smoothed"), tr("Validation loss")});
    m_curve->setAccessibleName(tr("Curve"));
    m_curve->setAccessibleDescription(tr("Which loss is drawn"));
    line->addWidget(m_curve);
    line->addSpacing(12);
    line->addWidget(makeLabel(tr("over"), "muted"));
    m_axis = new QComboBox;
    m_axis->addItem(tr("steps"), static_cast<int>(core::SeriesAxis::Step));
    m_axis->addItem(tr("epochs"), static_cast<int>(core::SeriesAxis::Epoch));
    m_axis->addItem(tr("trained tokens"), static_cast<int>(core::SeriesAxis::TrainedTokens));
    m_axis->addItem(tr("wall-clock seconds"), static_cast<int>(core::SeriesAxis::WallSeconds));
    m_axis->setAccessibleName(tr("Axis"));
    m_axis->setAccessibleDescription(tr("What the runs are aligned by"));
    line->addWidget(m_axis);
    line->addStretch();
    column->addLayout(line);
    m_chart = new ChartView({.title = tr("Loss of the ticked runs"),
                             .x_label = tr("steps"),
                             .y_label = tr("nats per token"),
                             .empty_text = tr("Tick two runs above to see their curves."),
                             .y_text = lossText},
                            new Crosshair(this));
    auto* card = new Card;
    card->body()->setContentsMargins(12, 8, 8, 6);
    card->body()->addWidget(m_chart);
    column->addWidget(card, 1);
    connect(m_curve, &QComboBox::currentIndexChanged, this, &CompareStage::compare);
    connect(m_axis, &QComboBox::currentIndexChanged, this, &CompareStage::compare);
    return page;
}

QWidget* CompareStage::makeSettings() {
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 10, 0, 0);
    column->setSpacing(8);
    auto* only = new QCheckBox(tr("Differences only"));
    only->setChecked(true);
    only->setAccessibleDescription(tr("Leave out settings that are the same in all ticked runs"));
    column->addWidget(only);
    m_diff = new SettingDiffModel(this);
    m_diff_table = new QTableView;
    m_diff_table->setModel(m_diff);
    prepareTable(*m_diff_table, tr("Results and settings side by side"),
                 tr("A star marks the best value of a row"));
    m_diff_table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    column->addWidget(m_diff_table, 1);
    connect(only, &QCheckBox::toggled, this, [this](bool is_only) {
        m_diff->setShow(is_only ? SettingDiffModel::Show::DifferencesOnly
                                : SettingDiffModel::Show::Everything);
    });
    return page;
}

void CompareStage::reload() {
    m_list_job = startJob(
        this,
        [database = m_context.document.project().folder() / "project.sqlite"](
            std::stop_token) -> core::Result<std::vector<core::RunRecord>> {
            TRY(query, core::RunQuery::open(database));
            return query.runs();
        },
        [this](core::Result<std::vector<core::RunRecord>> runs) {
            if (runs.ok()) {
                showRuns(std::move(runs).value());
            } else {
                m_hint->setText(toQt(runs.error()));
            }
        });
}

void CompareStage::showRuns(std::vector<core::RunRecord> runs) {
    m_pages->setCurrentIndex(runs.empty() ? 0 : 1);
    m_runs->setRuns(std::move(runs));
    const auto& known = m_runs->runs();
    // With nothing ticked the two newest runs that have steps are preselected.
    if (m_runs->ticked().empty()) {
        int wanted = 2;
        for (const core::RunRecord& run : known) {
            if (run.last_step == 0 || wanted == 0) continue;
            m_runs->setTicked(toQt(run.run_id), true);
            --wanted;
        }
    }
    if (known.empty()) {
        setStatus(StageStatus::Empty, tr("no runs yet"));
    } else {
        setStatus(StageStatus::Ready,
                  counted(static_cast<qint64>(known.size()), tr("run"), tr("runs")));
    }
    compare();
}

void CompareStage::compare() {
    const std::vector<std::string> ids = m_runs->ticked();
    if (ids.empty()) {
        m_compare_job.cancel();
        showComparison({}, {});
        m_hint->setText(tr("Tick two runs to compare them."));
        return;
    }
    const auto axis = static_cast<core::SeriesAxis>(m_axis->currentData().toInt());
    m_compare_job = startJob(
        this,
        [database = m_context.document.project().folder() / "project.sqlite", ids,
         axis](std::stop_token) { return compareRuns(database, ids, axis); },
        [this](core::Result<Compared> compared) {
            if (!compared.ok()) return m_hint->setText(toQt(compared.error()));
            showComparison(std::move(compared.value().comparison), std::move(compared.value().all));
        });
}

void CompareStage::showComparison(core::Comparison comparison, std::vector<core::SettingDiff> all) {
    m_chart->removeCurves();
    m_labels.clear();
    const bool is_validation = m_curve->currentIndex() == 1;
    m_chart->setXLabel(m_axis->currentText());
    double end = 1;
    for (const core::ComparedRun& run : comparison.runs) {
        const QString name = toQt(run.record.name.empty() ? run.record.run_id : run.record.name);
        const QString label = run.label.empty() ? name : toQt(run.label);
        const int curve = m_chart->addCurve(
            label, Theme::instance().seriesPen(static_cast<int>(m_labels.size())));
        const core::Series& series = is_validation ? run.eval_loss : run.loss;
        m_chart->feed(curve).set(series.x, series.y);
        if (!is_validation) m_chart->feed(curve) = m_chart->feed(curve).smoothed(0.8);
        if (!series.x.empty()) end = std::max(end, series.x.back());
        m_labels << label;
    }
    m_chart->setExpectedEnd(comparison.runs.empty() ? 1 : end);
    m_chart->refresh();
    const auto differing = comparison.settings.size();
    m_hint->setText(
        comparison.runs.size() < 2 ? tr("Tick a second run to compare with it.")
        : comparison.builds_differ
            ? tr("\u26a0 These runs were made by different builds of Dayrun.")
            : tr("Different: %1.")
                  .arg(counted(static_cast<qint64>(differing), tr("setting"), tr("settings"))));
    m_diff->setComparison(std::move(comparison), std::move(all));
}

void CompareStage::showSelected() {
    const int row = m_table->currentIndex().row();
    const bool has_run = row >= 0 && row < m_runs->rowCount();
    m_use->setEnabled(has_run);
    m_open->setEnabled(has_run && !m_context.runs.isRunning());
    m_continue->setEnabled(false);
    if (!has_run) return;
    const core::RunRecord& run = m_runs->runs()[static_cast<size_t>(row)];
    m_continue->setEnabled(!m_context.runs.isRunning() && isOver(run.state) &&
                           run.state != core::RunState::Finished);
    m_context.inspector.showFacts(
        toQt(run.name.empty() ? run.run_id : run.name),
        {{tr("Run"), toQt(run.run_id)},
         {tr("State"), run.interrupted ? tr("Interrupted") : stateText(run.state)},
         {tr("Best step"), QString::number(run.best_step)},
         {tr("Device"), toQt(run.device_name)},
         {tr("Build"), toQt(run.build_id)},
         {tr("Started"), toQt(core::iso_time(run.started_at))},
         {tr("Adapter"), run.adapter.empty() ? tr("none saved") : toQt(run.adapter)},
         {tr("Data"), toQt(run.data_sha256.substr(0, 16))}},
        toQt(run.error));
}

void CompareStage::showInInspector() {
    m_context.inspector.clear();
    showSelected();
}

}  // namespace dayrun::ui
