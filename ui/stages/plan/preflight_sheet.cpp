// Neighbours: core/plan/preflight.h makes the checks, plan_stage.cpp opens the sheet.
#include "ui/stages/plan/preflight_sheet.h"

#include <QCheckBox>
#include <QProgressBar>
#include <QScrollArea>
#include <algorithm>

#include "core/base/clock.h"
#include "core/base/units.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/stages/plan/consequences_panel.h"

namespace dayrun::ui {

PreflightSheet::PreflightSheet(const core::Recipe& recipe, core::PlanOptions options,
                               QWidget* parent)
    : QDialog(parent), m_recipe(recipe) {
    const QString name = recipe.name.empty() ? tr("this recipe") : toQt(recipe.name);
    setWindowTitle(tr("Pre-flight of %1").arg(name));
    setAccessibleName(windowTitle());
    resize(620, 560);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(22, 18, 22, 18);
    column->setSpacing(12);
    column->addWidget(makeTitle(tr("Pre-flight")));
    m_summary = makeLabel(tr("Reading the data and counting tokens…"), "muted");
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    m_busy = new QProgressBar;
    m_busy->setRange(0, 0);
    m_busy->setTextVisible(false);
    m_busy->setAccessibleName(tr("Checking"));
    column->addWidget(m_busy);
    auto* scroll = new QScrollArea;
    scroll->setWidgetResizable(true);
    scroll->setAccessibleName(tr("Checks"));
    scroll->setProperty("kind", QStringLiteral("card"));
    auto* page = new QWidget;
    page->setProperty("kind", QStringLiteral("clear"));
    auto* body = new QVBoxLayout(page);
    body->setContentsMargins(14, 12, 14, 12);
    m_checks = new QVBoxLayout;
    m_checks->setSpacing(10);
    body->addLayout(m_checks);
    body->addStretch();
    scroll->setWidget(page);
    column->addWidget(scroll, 1);
    m_read = new QCheckBox(tr("I have read the warnings and start all the same"));
    m_read->setAccessibleDescription(tr("Needed when a check is amber"));
    m_read->hide();
    connect(m_read, &QCheckBox::toggled, this, &PreflightSheet::showStartable);
    column->addWidget(m_read);
    auto* line = new QHBoxLayout;
    m_reason = makeLabel({}, "muted");
    m_reason->setWordWrap(true);
    line->addWidget(m_reason, 1);
    auto* cancel = makeButton(tr("Cancel"), tr("Back to the plan; nothing is started"));
    connect(cancel, &QPushButton::clicked, this, &QDialog::reject);
    line->addWidget(cancel);
    m_start = makeButton(tr("&Start the run"), tr("Start with exactly these settings"), "primary");
    m_start->setDefault(true);
    connect(m_start, &QPushButton::clicked, this, [this] {
        Q_EMIT startConfirmed();
        accept();
    });
    line->addWidget(m_start);
    column->addLayout(line);
    showStartable();

    m_job = startJob(
        this, Lane::Compile,
        [recipe, options](std::stop_token stop) mutable {
            options.stop = stop;
            return core::make_plan(recipe, options);
        },
        [this](const core::Result<core::PlanSheet>& sheet) { showSheet(sheet); });
}

void PreflightSheet::showSheet(const core::Result<core::PlanSheet>& result) {
    m_busy->hide();
    m_is_ready = true;
    if (!result.ok()) {
        m_is_blocked = true;
        m_summary->setText(toQt(result.error()));
        return showStartable();
    }
    const core::PlanSheet& sheet = *result;
    ConsequencesPanel::addChecks(m_checks, sheet.checks, [this](const QString& check) {
        Q_EMIT lookWanted(check);
        reject();
    });
    for (const std::string& missing : sheet.missing) {
        auto* line = makeLabel(QStringLiteral("\u2715 ") + toQt(missing), "bad");
        line->setWordWrap(true);
        m_checks->addWidget(line);
    }
    m_is_blocked = !sheet.can_start() || !sheet.missing.empty();
    m_asks_tick = std::any_of(
        sheet.checks.begin(), sheet.checks.end(),
        [](const core::PreflightCheck& c) { return c.level == core::CheckLevel::Amber; });
    m_read->setVisible(m_asks_tick && !m_is_blocked);
    QStringList parts;
    if (sheet.memory) {
        parts << tr("about %1 of memory").arg(toQt(core::format_bytes(sheet.memory->total_bytes)));
    }
    if (sheet.time) {
        parts << tr("%1 steps").arg(toQt(core::format_count(sheet.time->total_steps)));
        parts << (sheet.time->total_s
                      ? tr("%1, would finish %2")
                            .arg(toQt(core::format_duration(*sheet.time->total_s)),
                                 toQt(core::clock_time(core::unix_time_s() + *sheet.time->total_s)))
                      : tr("time known after the first steps"));
    }
    m_summary->setText(parts.isEmpty()
                           ? tr("Nothing could be estimated.")
                           : tr("The run needs %1.").arg(parts.join(QStringLiteral(", "))));
    showStartable();
}

void PreflightSheet::showStartable() {
    const bool waits_for_tick = m_asks_tick && !m_read->isChecked();
    m_start->setEnabled(m_is_ready && !m_is_blocked && !waits_for_tick);
    m_reason->setText(!m_is_ready      ? tr("Start waits for the checks.")
                      : m_is_blocked   ? tr("A red check blocks the start: see above what to do.")
                      : waits_for_tick ? tr("Tick that you have read the warnings.")
                                       : QString());
}

}  // namespace dayrun::ui
