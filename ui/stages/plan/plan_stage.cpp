// Neighbours: forms/setting_form.h (left), consequences_panel.h (right), preflight_sheet.h (start).
#include "ui/stages/plan/plan_stage.h"

#include <QHBoxLayout>
#include <QLineEdit>
#include <QPointer>
#include <QScrollArea>
#include <QSplitter>
#include <QTabWidget>

#include "core/recipe/recipe_schema.h"
#include "core/records/run_query.h"
#include "ui/bridge/run_controller.h"
#include "ui/forms/setting_form.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/panels/inspector.h"
#include "ui/project/project_document.h"
#include "ui/stages/plan/consequences_panel.h"
#include "ui/stages/plan/preflight_sheet.h"

namespace dayrun::ui {
namespace {

// Typing does not start an estimate per key; the answer still feels immediate.
constexpr int kSettleMs = 120;

QScrollArea* scrolled(QWidget* content, const QString& name) {
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->setAccessibleName(name);
    scroll->setWidget(content);
    return scroll;
}

// The speed measured by an earlier run on the same base and device, if there was one.
void addMeasuredSpeed(core::PlanOptions& options, const core::Recipe& recipe,
                      const std::string& device_name) {
    auto query = core::RunQuery::open(options.project_folder / "project.sqlite");
    if (!query.ok()) return;
    options.tokens_per_second = query.value().measured_tokens_per_second(
        recipe.resolved(recipe.base.path).string(), device_name);
    if (options.tokens_per_second) options.speed_basis = "an earlier run on this base";
}

}  // namespace

PlanStage::PlanStage(StageContext context, QWidget* parent) : Stage(parent), m_context(context) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 16, 20, 16);
    column->setSpacing(10);
    auto* head = new QHBoxLayout;
    head->addWidget(makeTitle(tr("Plan")));
    head->addSpacing(12);
    m_changed = makeLabel({}, "muted");
    head->addWidget(m_changed, 1);
    column->addLayout(head);
    auto* split = new QSplitter;
    split->setChildrenCollapsible(false);
    split->setHandleWidth(14);
    split->addWidget(makeForms());
    split->addWidget(makeRight());
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    column->addWidget(split, 1);

    m_soon.setSingleShot(true);
    m_soon.setInterval(kSettleMs);
    connect(&m_soon, &QTimer::timeout, this, &PlanStage::estimate);
    connect(&context.document, &ProjectDocument::recipeChanged, this, [this] {
        showStart();
        showChanged();
        m_soon.start();
    });
    connect(&context.runs, &RunController::stateChanged, this, &PlanStage::showStart);
    // A finished run has measured the speed: the time is known from then on.
    connect(&context.runs, &RunController::finished, this, &PlanStage::estimate);
    showChanged();
    showStart();
    m_soon.start();
}

QWidget* PlanStage::makeForms() {
    m_tabs = new QTabWidget;
    m_tabs->setDocumentMode(true);
    m_tabs->setMinimumWidth(420);
    m_basic = new SettingForm(m_context.document, FormScope::Basic);
    connect(m_basic, &SettingForm::focusedSetting, this, &PlanStage::showHelp);
    auto* basic = new QWidget;
    auto* basic_column = new QVBoxLayout(basic);
    basic_column->setContentsMargins(0, 12, 0, 0);
    basic_column->addWidget(scrolled(m_basic, tr("Essential settings")));
    m_tabs->addTab(basic, tr("Essentials"));

    auto* all = new QWidget;
    auto* all_column = new QVBoxLayout(all);
    all_column->setContentsMargins(0, 12, 0, 0);
    auto* line = new QHBoxLayout;
    m_search = new QLineEdit;
    m_search->setPlaceholderText(tr("Search settings, e.g. warm-up"));
    m_search->setAccessibleName(tr("Search settings"));
    m_search->setAccessibleDescription(tr("Words of a setting's name, key or help"));
    m_search->setClearButtonEnabled(true);
    line->addWidget(m_search, 1);
    m_found = makeLabel({}, "muted");
    line->addWidget(m_found);
    all_column->addLayout(line);
    m_full_scroll = scrolled(new QWidget, tr("All settings"));
    all_column->addWidget(m_full_scroll);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) {
        const int count = fullForm()->setSearch(text);
        m_found->setText(text.isEmpty() ? QString()
                                        : counted(count, tr("setting"), tr("settings")));
    });
    m_tabs->addTab(all, tr("All settings"));
    connect(m_tabs, &QTabWidget::currentChanged, this, [this](int tab) {
        if (tab == 1) fullForm();
    });
    return m_tabs;
}

// A hundred editors cost a tenth of a second: a project opens without them.
SettingForm* PlanStage::fullForm() {
    if (m_full != nullptr) return m_full;
    m_full = new SettingForm(m_context.document, FormScope::All);
    connect(m_full, &SettingForm::focusedSetting, this, &PlanStage::showHelp);
    m_full_scroll->setWidget(m_full);
    return m_full;
}

QWidget* PlanStage::makeRight() {
    auto* panel = new QWidget;
    auto* column = new QVBoxLayout(panel);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(12);
    m_consequences = new ConsequencesPanel;
    connect(m_consequences, &ConsequencesPanel::lookWanted, this, &PlanStage::lookWanted);
    column->addWidget(m_consequences, 1);
    auto* line = new QHBoxLayout;
    line->setSpacing(12);
    m_start =
        makeButton(tr("&Start run…"), tr("Open the pre-flight sheet (Ctrl+Return)"), "primary");
    connect(m_start, &QPushButton::clicked, this, &PlanStage::openPreflight);
    line->addWidget(m_start);
    m_reason = makeLabel({}, "muted");
    m_reason->setWordWrap(true);
    line->addWidget(m_reason, 1);
    column->addLayout(line);
    return panel;
}

core::PlanOptions PlanStage::planOptions(bool with_data) const {
    const core::Project& project = m_context.document.project();
    core::PlanOptions options;
    options.project_folder = project.folder();
    if (with_data) options.cache_folder = project.cache_folder();
    return options;
}

void PlanStage::estimate() {
    measure(false);
}

// Memory needs only the base's config.json and comes at once; steps and time need the data, which
// the second pass compiles (or finds in the cache).
void PlanStage::measure(bool with_data) {
    m_consequences->setMeasuring(true);
    const core::Recipe recipe = m_context.document.recipe();
    m_job = startJob(
        this, with_data ? Lane::Compile : Lane::Quick,
        [recipe, options = planOptions(with_data),
         device = toStd(m_context.runs.deviceName())](std::stop_token stop) mutable {
            options.stop = stop;
            addMeasuredSpeed(options, recipe, device);
            return core::make_plan(recipe, options);
        },
        [this, with_data](core::Result<core::PlanSheet> sheet) {
            if (!sheet.ok()) {
                m_sheet.reset();
                m_consequences->setMeasuring(false);
                m_consequences->showProblem(toQt(sheet.error()));
                return showStart();
            }
            // The first pass keeps the data's figures of before on the screen until new ones come.
            if (!with_data && m_sheet && m_sheet->time) sheet.value().time = m_sheet->time;
            m_sheet = std::move(sheet).value();
            m_consequences->showSheet(*m_sheet);
            showStart();
            if (with_data) {
                m_consequences->setMeasuring(false);
            } else {
                measure(true);
            }
        });
}

QString PlanStage::reasonAgainstStart() const {
    const core::Recipe& recipe = m_context.document.recipe();
    if (m_context.runs.isRunning()) return tr("A run is going on; one runs at a time.");
    if (recipe.base.path.empty()) return tr("Choose a base model first (stage Model).");
    if (recipe.data.empty()) return tr("Add a data source first (stage Data).");
    for (const core::Error& fault : core::check_recipe(recipe)) return toQt(fault);
    if (m_sheet) {
        for (const core::PreflightCheck& check : m_sheet->checks) {
            if (check.level == core::CheckLevel::Red) return toQt(check.message);
        }
    }
    return {};
}

void PlanStage::showStart() {
    const QString reason = reasonAgainstStart();
    m_start->setEnabled(reason.isEmpty());
    m_reason->setText(reason.isEmpty() ? tr("Opens the pre-flight sheet; nothing starts yet.")
                                       : reason);
    m_start->setAccessibleDescription(m_reason->text());
    if (m_context.runs.isRunning()) {
        setStatus(StageStatus::Done, tr("the plan is running"));
    } else if (reason.isEmpty()) {
        setStatus(StageStatus::Ready, tr("can be started"));
    } else {
        setStatus(StageStatus::Attention, reason);
    }
}

void PlanStage::showChanged() {
    const core::Recipe& recipe = m_context.document.recipe();
    int count = 0;
    for (const std::string& key : core::setting_keys(recipe)) {
        count += core::setting_value(recipe, key) != core::setting_default(key) ? 1 : 0;
    }
    m_changed->setText(count == 0 ? tr("All settings are at their defaults.")
                                  : tr("%1 changed from the default, marked \u2022")
                                        .arg(counted(count, tr("setting"), tr("settings"))));
}

void PlanStage::showHelp(const QString& key) {
    const core::SettingInfo* info = core::find_setting(toStd(key));
    if (info == nullptr) return;
    const auto shown = [](const std::string& value) {
        return value.empty() ? tr("empty") : toQt(value);
    };
    FactList::Facts facts{
        {tr("Key"), key},
        {tr("Value"), shown(core::setting_value(m_context.document.recipe(), toStd(key)))},
        {tr("Default"), shown(core::setting_default(toStd(key)))}};
    if (!info->unit.empty()) facts.emplace_back(tr("Unit"), toQt(info->unit));
    if (info->minimum && info->maximum) {
        facts.emplace_back(tr("Range"), tr("%1 to %2").arg(*info->minimum).arg(*info->maximum));
    }
    if (!info->choices.empty()) {
        QStringList choices;
        for (const std::string& choice : info->choices) choices << toQt(choice);
        facts.emplace_back(tr("Choices"), choices.join(QStringLiteral(", ")));
    }
    QString text = toQt(info->help);
    for (const auto& [choice, reason] : info->unavailable) {
        text += tr("\n\nNot in this version: %1 (%2).")
                    .arg(choice == "*" ? tr("this setting") : toQt(choice), toQt(reason));
    }
    m_context.inspector.showFacts(toQt(info->label), facts, text);
}

void PlanStage::focusSearch() {
    m_tabs->setCurrentIndex(1);
    m_search->setFocus();
    m_search->selectAll();
}

void PlanStage::openPreflight() {
    showStart();
    if (!m_start->isEnabled()) return;
    core::PlanOptions options = planOptions(true);
    addMeasuredSpeed(options, m_context.document.recipe(), toStd(m_context.runs.deviceName()));
    auto* sheet = new PreflightSheet(m_context.document.recipe(), options, this);
    sheet->setAttribute(Qt::WA_DeleteOnClose);
    connect(sheet, &PreflightSheet::lookWanted, this, &PlanStage::lookWanted);
    connect(sheet, &PreflightSheet::startConfirmed, this, [this, sheet] {
        const auto started = m_context.runs.start(sheet->recipe());
        if (!started.ok()) {
            m_reason->setText(toQt(started.error()));
            return;
        }
        Q_EMIT runStarted();
    });
    sheet->open();
}

void PlanStage::showInInspector() {
    m_context.inspector.showFacts(
        tr("Settings"), {},
        tr("Go into a field, and its effect, range and default stand here. A changed value carries "
           "the mark \u2022; the arrow beside it brings the default back."));
}

}  // namespace dayrun::ui
