// Neighbours: core/compile/cache/data_compiler.h counts, data_stage.cpp goes to the row.
#include "ui/stages/data/findings/drops_page.h"

#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "core/base/units.h"
#include "ui/forms/setting_form.h"
#include "ui/look/basics.h"
#include "ui/look/text.h"
#include "ui/project/prepared_data.h"
#include "ui/project/project_document.h"

namespace dayrun::ui {
namespace {

// What a line of the tree stands for.
enum ItemRole { Source = Qt::UserRole, Example, ByNumber };

QTreeWidgetItem* makeLine(QTreeWidgetItem* line, const QString& what, int64_t rows,
                          int64_t of_rows) {
    line->setText(0, what);
    line->setToolTip(0, what);
    line->setText(1, numberText(rows));
    if (of_rows > 0) {
        const double percent = 100.0 * static_cast<double>(rows) / static_cast<double>(of_rows);
        line->setText(2, DropsPage::tr("%1 %").arg(percent, 0, 'f', 1));
    }
    for (const int column : {1, 2})
        line->setTextAlignment(column, Qt::AlignRight | Qt::AlignVCenter);
    return line;
}

}  // namespace

DropsPage::DropsPage(StageContext context, PreparedData& prepared, QWidget* parent)
    : QWidget(parent), m_context(context), m_prepared(prepared) {
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 12, 0, 0);
    column->setSpacing(10);
    m_summary = makeLabel({});
    m_summary->setWordWrap(true);
    column->addWidget(m_summary);
    m_tree = new QTreeWidget;
    m_tree->setColumnCount(3);
    m_tree->setHeaderLabels({tr("Source, reason, examples"), tr("Rows"), tr("Share")});
    for (const int number : {1, 2}) {
        m_tree->headerItem()->setTextAlignment(number, Qt::AlignRight | Qt::AlignVCenter);
    }
    m_tree->setAccessibleName(tr("Rows left out"));
    m_tree->setAccessibleDescription(
        tr("By source and reason; a click or Enter on an example shows its row"));
    m_tree->setAlternatingRowColors(true);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->setMinimumHeight(110);
    column->addWidget(m_tree, 1);
    auto* line = new QHBoxLayout;
    m_bring_back = makeButton(tr("&Bring back"),
                              tr("Uses the selected rows again that were left out by number"));
    connect(m_bring_back, &QPushButton::clicked, this, &DropsPage::bringBack);
    line->addWidget(m_bring_back);
    line->addStretch();
    column->addLayout(line);
    column->addWidget(new SettingForm(
        context.document,
        QStringList{QStringLiteral("tokens.max_seq_len"), QStringLiteral("tokens.too_long")}));
    connect(m_tree, &QTreeWidget::itemClicked, this, &DropsPage::choose);
    connect(m_tree, &QTreeWidget::itemActivated, this, &DropsPage::choose);
    connect(m_tree, &QTreeWidget::currentItemChanged, this, &DropsPage::showBringBack);
    connect(&prepared, &PreparedData::changed, this, &DropsPage::showDrops);
    showDrops();
}

QString DropsPage::summaryText() const {
    return m_summary->text();
}

int64_t DropsPage::addSource(int index, const core::SourceReport& report) {
    const int64_t rows = report.dropped.total();
    if (rows == 0 && report.shortened.total() == 0) return 0;
    auto* source = makeLine(new QTreeWidgetItem(m_tree), toQt(report.name), rows, report.rows_in);
    const auto add = [&](const QString& what, const core::DropReport::Reason& entry,
                         bool is_by_number) {
        auto* line = makeLine(new QTreeWidgetItem(source), what, entry.count, report.rows_in);
        line->setData(0, Source, index);
        line->setData(0, ByNumber, is_by_number);
        for (const std::string& example : entry.examples) {
            auto* place = new QTreeWidgetItem(line);
            place->setText(0, toQt(example));
            place->setToolTip(0, tr("Show this row: %1").arg(place->text(0)));
            place->setData(0, Source, index);
            place->setData(0, Example, place->text(0));
            place->setData(0, ByNumber, is_by_number);
        }
    };
    for (const auto& [reason, entry] : report.dropped.reasons) {
        add(toQt(reason), entry, reason == core::kLeftOutByNumber);
    }
    for (const auto& [part, entry] : report.shortened.reasons) {
        add(tr("used without %1").arg(toQt(part)), entry, false);
    }
    source->setExpanded(true);
    return rows;
}

void DropsPage::showDrops() {
    m_tree->clear();
    showBringBack();
    const auto prepared = m_prepared.prepared();
    QStringList lines;
    if (prepared) {
        int64_t found = 0;
        int64_t rows = 0;
        int index = 0;
        for (const core::SourceReport& report : prepared->data->sources) {
            found += addSource(index++, report);
            rows += report.rows_in;
        }
        lines << (found == 0
                      ? tr("No row of %1 is left out.").arg(numberText(rows))
                      : tr("%1 of %2 rows are left out.").arg(numberText(found), numberText(rows)));
    }
    if (const QString state = m_prepared.stateText(); !state.isEmpty()) lines << state;
    m_summary->setText(lines.join(QLatin1Char('\n')));
}

// Lines that were laid out before the style sheet came are lower than it wants them.
void DropsPage::showEvent(QShowEvent* event) {
    QWidget::showEvent(event);
    m_tree->doItemsLayout();
}

void DropsPage::choose(const QTreeWidgetItem* item) {
    const QString example = item->data(0, Example).toString();
    if (!example.isEmpty()) Q_EMIT exampleChosen(item->data(0, Source).toInt(), example);
}

void DropsPage::showBringBack() {
    const QTreeWidgetItem* item = m_tree->currentItem();
    m_bring_back->setEnabled(item != nullptr && item->data(0, ByNumber).toBool());
}

void DropsPage::bringBack() {
    const QTreeWidgetItem* item = m_tree->currentItem();
    const QString example = item->data(0, Example).toString();
    m_context.document.bringBack(static_cast<size_t>(item->data(0, Source).toInt()),
                                 example.section(QLatin1Char(' '), 1, 1).toLongLong());
}

}  // namespace dayrun::ui
