// Neighbours: stages/data, stages/compare.
#include "ui/look/row_table.h"

#include <QHeaderView>
#include <QTableView>

namespace dayrun::ui {

void prepareTable(QTableView& table, const QString& name, const QString& description) {
    table.setAccessibleName(name);
    table.setAccessibleDescription(description);
    table.setShowGrid(false);
    table.setAlternatingRowColors(true);
    table.setSelectionBehavior(QAbstractItemView::SelectRows);
    table.setSelectionMode(QAbstractItemView::SingleSelection);
    table.setTabKeyNavigation(false);
    table.setWordWrap(false);
    table.verticalHeader()->hide();
    table.verticalHeader()->setDefaultSectionSize(table.fontMetrics().height() + 12);
    // One height for all: a million rows are then not asked one by one.
    table.verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    table.horizontalHeader()->setHighlightSections(false);
    table.horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
}

}  // namespace dayrun::ui
