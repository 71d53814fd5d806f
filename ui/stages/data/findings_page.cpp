// Neighbours: core/tokens/cache/data_compiler.h counts and finds, prepared_data.h brings it.
#include "ui/stages/data/findings_page.h"

#include <QHeaderView>
#include <QLabel>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "core/base/units.h"
#include "ui/bridge/prepared_data.h"
#include "ui/bridge/text.h"
#include "ui/forms/setting_form.h"
#include "ui/widgets/basics.h"

namespace dayrun::ui {
namespace {

bool isOfDuplicates(const std::string& reason) {
    return reason.find("duplicate") != std::string::npos;
}

QStringList settingsOf(FindingsPage::Kind kind) {
    switch (kind) {
        case FindingsPage::Kind::LeftOut:
            return {QStringLiteral("tokens.max_seq_len"), QStringLiteral("tokens.too_long")};
        case FindingsPage::Kind::Duplicates:
            return {QStringLiteral("mix.dedupe"), QStringLiteral("mix.near_threshold")};
        case FindingsPage::Kind::Overlap:
            return {QStringLiteral("split.validation"), QStringLiteral("split.test"),
                    QStringLiteral("split.group_by")};
    }
    return {};
}

}  // namespace

FindingsPage::FindingsPage(Kind kind, StageContext context, PreparedData& prepared, QWidget* parent)
    : QWidget(parent), m_kind(kind), m_prepared(prepared) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 12, 0, 0);
    column->setSpacing(10);
    m_summary = makeLabel({});
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    m_tree = new QTreeWidget;
    m_tree->setColumnCount(3);
    m_tree->setHeaderLabels({tr("Source, reason, examples"), tr("Rows"), tr("Share")});
    m_tree->setAccessibleName(tr("Findings"));
    m_tree->setAccessibleDescription(tr("By source and reason, with examples"));
    m_tree->setUniformRowHeights(true);
    m_tree->setAlternatingRowColors(true);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->setMinimumHeight(110);
    column->addWidget(m_tree, 1);
    column->addWidget(new SettingForm(context.document, settingsOf(kind)));
    connect(&prepared, &PreparedData::changed, this, &FindingsPage::showFindings);
    showFindings();
}

QString FindingsPage::summaryText() const {
    return m_summary->text();
}

QTreeWidgetItem* FindingsPage::addLine(QTreeWidgetItem* under, const QString& what, int64_t rows,
                                       int64_t of_rows) {
    auto* line = under == nullptr ? new QTreeWidgetItem(m_tree) : new QTreeWidgetItem(under);
    line->setText(0, what);
    line->setToolTip(0, what);
    line->setText(1, numberText(rows));
    line->setTextAlignment(1, Qt::AlignRight | Qt::AlignVCenter);
    if (of_rows > 0) {
        line->setText(
            2, tr("%1 %").arg(100.0 * static_cast<double>(rows) / static_cast<double>(of_rows), 0,
                              'f', 1));
    }
    line->setTextAlignment(2, Qt::AlignRight | Qt::AlignVCenter);
    return line;
}

// Duplicates have a page of their own; "not taken" is the person's own wish and no fault.
int64_t FindingsPage::addDrops(const core::CompiledData& compiled) {
    int64_t all = 0;
    for (const core::SourceReport& report : compiled.sources) {
        int64_t rows = 0;
        for (const auto& [reason, entry] : report.dropped.reasons) {
            if ((m_kind == Kind::Duplicates) == isOfDuplicates(reason)) rows += entry.count;
        }
        if (rows == 0) continue;
        all += rows;
        QTreeWidgetItem* source = addLine(nullptr, toQt(report.name), rows, report.rows_in);
        for (const auto& [reason, entry] : report.dropped.reasons) {
            if ((m_kind == Kind::Duplicates) != isOfDuplicates(reason)) continue;
            QTreeWidgetItem* line = addLine(source, toQt(reason), entry.count, report.rows_in);
            for (const std::string& example : entry.examples) {
                auto* place = new QTreeWidgetItem(line);
                place->setText(0, toQt(example));
                place->setToolTip(0, place->text(0));
            }
        }
        source->setExpanded(true);
    }
    return all;
}

int64_t FindingsPage::addOverlap(const core::CompiledData& compiled) {
    if (compiled.overlap.exact == 0) return 0;
    QTreeWidgetItem* line = addLine(nullptr, tr("validation rows whose input is trained on too"),
                                    compiled.overlap.exact, compiled.validation_rows());
    for (const std::string& example : compiled.overlap.examples) {
        auto* place = new QTreeWidgetItem(line);
        place->setText(0, toQt(example));
    }
    line->setExpanded(true);
    return compiled.overlap.exact;
}

void FindingsPage::showFindings() {
    m_tree->clear();
    const auto prepared = m_prepared.prepared();
    setKind(m_summary, nullptr);
    if (!prepared) {
        m_summary->setText(m_prepared.isBusy()
                               ? tr("Reading the data (%1)…").arg(m_prepared.progressText())
                               : QStringLiteral("\u26a0 ") + m_prepared.problem());
        return;
    }
    const core::CompiledData& compiled = *prepared->data;
    const int64_t found = m_kind == Kind::Overlap ? addOverlap(compiled) : addDrops(compiled);
    int64_t rows = 0;
    for (const core::SourceReport& report : compiled.sources) rows += report.rows_in;
    QString text;
    switch (m_kind) {
        case Kind::LeftOut:
            text = found == 0
                       ? tr("No row of %1 is left out.").arg(numberText(rows))
                       : tr("%1 of %2 rows are left out.").arg(numberText(found), numberText(rows));
            break;
        case Kind::Duplicates:
            text = found == 0 ? tr("No row of %1 is left out as a duplicate.").arg(numberText(rows))
                              : tr("%1 of %2 rows are duplicates; the first of each stays.")
                                    .arg(numberText(found), numberText(rows));
            break;
        case Kind::Overlap:
            text = compiled.validation_rows() == 0 ? tr("No rows are held out for validation.")
                   : found == 0
                       ? tr("None of %1 validation rows has an input that is trained on.")
                             .arg(numberText(compiled.validation_rows()))
                       : tr("\u26a0 %1 of %2 validation rows have an input that is trained on: the "
                            "validation loss is too good.")
                             .arg(numberText(found), numberText(compiled.validation_rows()));
            break;
    }
    if (m_prepared.isBusy() || !m_prepared.isCurrent()) text += tr(" Reading the data again…");
    if (!m_prepared.problem().isEmpty() && !m_prepared.isBusy()) {
        text += QStringLiteral("\n\u26a0 ") + m_prepared.problem();
    }
    m_summary->setText(text);
}

}  // namespace dayrun::ui
