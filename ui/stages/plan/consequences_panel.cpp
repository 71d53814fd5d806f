// Neighbour: core/plan/preflight.h makes the sheet, plan_stage.cpp asks for it.
#include "ui/stages/plan/consequences_panel.h"

#include <QGraphicsOpacityEffect>
#include <QGridLayout>

#include "core/base/clock.h"
#include "core/base/units.h"
#include "ui/bridge/check_place.h"
#include "ui/look/basics.h"
#include "ui/look/gauges.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

QString bytes(int64_t count) {
    return toQt(core::format_bytes(count));
}

const char* kindOf(core::CheckLevel level) {
    switch (level) {
        case core::CheckLevel::Green:
            return "good";
        case core::CheckLevel::Amber:
            return "warning";
        case core::CheckLevel::Red:
            return "bad";
    }
    return nullptr;
}

QString signOf(core::CheckLevel level) {
    switch (level) {
        case core::CheckLevel::Green:
            return QStringLiteral("\u2713");
        case core::CheckLevel::Amber:
            return QStringLiteral("\u26a0");
        case core::CheckLevel::Red:
            return QStringLiteral("\u2715");
    }
    return {};
}

}  // namespace

ConsequencesPanel::ConsequencesPanel(QWidget* parent) : QScrollArea(parent) {
    setWidgetResizable(true);
    setFocusPolicy(Qt::NoFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMinimumWidth(330);
    m_page = new QWidget;
    m_page->setProperty("kind", QStringLiteral("clear"));
    auto* column = new QVBoxLayout(m_page);
    column->setContentsMargins(0, 0, 6, 0);
    column->setSpacing(12);

    auto* memory = new Card;
    auto* head = new QHBoxLayout;
    head->addWidget(makeLabel(tr("Memory"), "section"));
    head->addStretch();
    m_measuring = makeLabel(tr("estimating…"), "muted");
    m_measuring->hide();
    head->addWidget(m_measuring);
    memory->body()->addLayout(head);
    m_total = makeLabel({});
    m_total->setWordWrap(true);
    memory->body()->addWidget(m_total);
    m_bar = new MemoryBar;
    memory->body()->addWidget(m_bar);
    m_legend = new QGridLayout;
    m_legend->setHorizontalSpacing(8);
    m_legend->setVerticalSpacing(4);
    m_legend->setColumnStretch(1, 1);
    memory->body()->addLayout(m_legend);
    column->addWidget(memory);

    auto* time = new Card;
    time->body()->addWidget(makeLabel(tr("Time"), "section"));
    m_time = new FactList;
    time->body()->addWidget(m_time);
    column->addWidget(time);

    auto* disk = new Card;
    disk->body()->addWidget(makeLabel(tr("Disk"), "section"));
    m_disk = new FactList;
    disk->body()->addWidget(m_disk);
    column->addWidget(disk);

    auto* checks = new Card;
    checks->body()->addWidget(makeLabel(tr("Checks"), "section"));
    m_checks = new QVBoxLayout;
    m_checks->setSpacing(8);
    checks->body()->addLayout(m_checks);
    column->addWidget(checks);
    column->addStretch();
    setWidget(m_page);
    showProblem(tr("The estimate stands here a moment after the project is opened."));
}

void ConsequencesPanel::setMeasuring(bool is_measuring) {
    m_measuring->setVisible(is_measuring);
}

void ConsequencesPanel::showProblem(const QString& problem) {
    m_total->setText(problem);
    m_bar->setParts({}, std::nullopt);
    clearLayout(m_legend);
    m_time->setFacts({});
    m_disk->setFacts({});
    clearLayout(m_checks);
}

void ConsequencesPanel::showSheet(const core::PlanSheet& sheet) {
    showMemory(sheet);
    showTime(sheet);
    const auto or_unknown = [](const std::optional<int64_t>& count) {
        return count ? bytes(*count) : tr("unknown");
    };
    m_disk->setFacts({{tr("The run writes"), or_unknown(sheet.disk_bytes)},
                      {tr("Free"), or_unknown(sheet.disk_free_bytes)}});
    clearLayout(m_checks);
    addChecks(m_checks, sheet.checks, [this](const QString& check) { Q_EMIT lookWanted(check); });
    for (const std::string& missing : sheet.missing) {
        auto* line = makeLabel(QStringLiteral("\u25cb ") + toQt(missing), "muted");
        line->setWordWrap(true);
        m_checks->addWidget(line);
    }
}

void ConsequencesPanel::showMemory(const core::PlanSheet& sheet) {
    clearLayout(m_legend);
    if (!sheet.memory) {
        m_bar->setParts({}, std::nullopt);
        m_total->setText(tr("Unknown until a base model is chosen."));
        return;
    }
    const core::MemoryEstimate& memory = *sheet.memory;
    m_total->setText(
        sheet.memory_limit_bytes
            ? tr("About %1 of %2").arg(bytes(memory.total_bytes), bytes(*sheet.memory_limit_bytes))
            : tr("About %1").arg(bytes(memory.total_bytes)));
    std::vector<MemoryBar::Part> parts;
    int row = 0;
    for (const core::PlannedPart& part : memory.parts) {
        const QString name = toQt(part.name);
        parts.push_back({name, part.bytes});
        auto* swatch = new PartSwatch(row);
        swatch->setAccessibleName(name);
        m_legend->addWidget(swatch, row, 0);
        auto* label = makeLabel(name);
        label->setToolTip(toQt(part.basis));
        label->setAccessibleDescription(toQt(part.basis));
        m_legend->addWidget(label, row, 1);
        auto* figure = makeLabel(bytes(part.bytes));
        figure->setToolTip(toQt(part.basis));
        m_legend->addWidget(figure, row, 2, Qt::AlignRight);
        ++row;
    }
    m_bar->setParts(std::move(parts), sheet.memory_limit_bytes);
}

void ConsequencesPanel::showTime(const core::PlanSheet& sheet) {
    if (!sheet.time) {
        m_time->setFacts({{tr("Time"), tr("Unknown until the data can be read.")}});
        return;
    }
    const core::TimePlan& time = *sheet.time;
    const auto count = [](int64_t value) { return toQt(core::format_count(value)); };
    const auto duration = [](const std::optional<double>& seconds) {
        return seconds ? toQt(core::format_duration(*seconds)) : tr("unknown");
    };
    FactList::Facts facts{
        {tr("Steps"),
         tr("%1, %2 an epoch").arg(count(time.total_steps), count(time.steps_per_epoch))},
        {tr("Tokens"), count(time.train_tokens)},
        {tr("Validations"), count(time.eval_count)}};
    if (time.total_s) {
        facts.emplace_back(tr("Training"), duration(time.train_s));
        facts.emplace_back(tr("Validating"), duration(time.eval_s));
        facts.emplace_back(tr("In all"), tr("%1, %2 % of 24 h")
                                             .arg(duration(time.total_s))
                                             .arg(100 * *time.total_s / 86400, 0, 'f', 2));
        facts.emplace_back(tr("Would finish"),
                           toQt(core::clock_time(core::unix_time_s() + *time.total_s)));
    }
    facts.emplace_back(tr("Based on"), toQt(time.basis));
    m_time->setFacts(facts);
}

void ConsequencesPanel::addChecks(QVBoxLayout* column,
                                  const std::vector<core::PreflightCheck>& checks,
                                  const std::function<void(const QString&)>& look) {
    for (const core::PreflightCheck& check : checks) {
        auto* line = makeLabel(signOf(check.level) + QLatin1Char(' ') + toQt(check.message),
                               kindOf(check.level));
        line->setWordWrap(true);
        line->setAccessibleName(
            QStringLiteral("%1, %2: %3")
                .arg(toQt(core::to_string(check.level)), toQt(check.name), toQt(check.message)));
        QStringList more;
        for (const std::string& offender : check.offenders) more << toQt(offender);
        line->setToolTip(more.join(QLatin1Char('\n')));
        column->addWidget(line);
        if (check.hint.empty()) continue;
        auto* hint = makeLabel(toQt(check.hint), "muted");
        hint->setWordWrap(true);
        hint->setContentsMargins(16, 0, 0, 0);
        column->addWidget(hint);
        if (check.level == core::CheckLevel::Green || !isShownByData(toQt(check.name))) continue;
        auto* show = makeButton(tr("Show them"),
                                tr("Show what this check is about: %1").arg(toQt(check.name)));
        show->setAccessibleName(tr("Show: %1").arg(toQt(check.name)));
        connect(show, &QPushButton::clicked, column,
                [look, name = toQt(check.name)] { look(name); });
        auto* line_of_button = new QHBoxLayout;
        line_of_button->setContentsMargins(16, 0, 0, 0);
        line_of_button->addWidget(show);
        line_of_button->addStretch();
        column->addLayout(line_of_button);
    }
}

}  // namespace dayrun::ui
