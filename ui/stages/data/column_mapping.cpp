// Neighbours: core/data/inspect.h finds the columns, import_sheet.cpp asks.
#include "ui/stages/data/column_mapping.h"

#include <QComboBox>
#include <QHeaderView>
#include <algorithm>
#include <array>
#include <string_view>

#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

enum Column { Name, Type, Example, Field, kColumnCount };

}  // namespace

ColumnMapping::ColumnMapping(QWidget* parent) : QTableWidget(0, kColumnCount, parent) {
    setHorizontalHeaderLabels({tr("Column"), tr("Type"), tr("Example"), tr("Fills")});
    setAccessibleName(tr("Columns of the file"));
    setAccessibleDescription(tr("Which column fills which field of a sample"));
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setSelectionMode(QAbstractItemView::NoSelection);
    setShowGrid(false);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 18);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    horizontalHeader()->setSectionResizeMode(Example, QHeaderView::Stretch);
    setColumnWidth(Name, 150);
    setColumnWidth(Type, 120);
    setColumnWidth(Field, 150);
}

void ColumnMapping::setColumns(const std::vector<core::ColumnInfo>& columns) {
    setRowCount(0);
    for (const core::ColumnInfo& column : columns) {
        const int row = rowCount();
        insertRow(row);
        const std::array<QString, 3> texts{toQt(column.name), toQt(column.type),
                                           toQt(column.example).simplified()};
        for (int place = 0; place < 3; ++place) {
            auto* item = new QTableWidgetItem(texts[static_cast<size_t>(place)]);
            item->setToolTip(item->text());
            setItem(row, place, item);
        }
        auto* box = new QComboBox;
        box->addItem(tr("nothing"), QString());
        for (const std::string_view field : core::kMappedFields)
            box->addItem(toQt(field), toQt(field));
        box->setAccessibleName(tr("Column %1 fills").arg(toQt(column.name)));
        box->setAccessibleDescription(tr("The field of a sample that this column becomes"));
        connect(box, &QComboBox::activated, this, &ColumnMapping::mappingChanged);
        setCellWidget(row, Field, box);
    }
}

QComboBox* ColumnMapping::boxAt(int row) const {
    return qobject_cast<QComboBox*>(cellWidget(row, Field));
}

QComboBox* ColumnMapping::fieldBox(const QString& column) const {
    for (int row = 0; row < rowCount(); ++row) {
        if (item(row, Name)->text() == column) return boxAt(row);
    }
    return nullptr;
}

void ColumnMapping::setMapping(const core::ColumnMapping& mapping) {
    for (int row = 0; row < rowCount(); ++row) {
        const std::string column = toStd(item(row, Name)->text());
        QString field;
        for (const auto& [name, source] : mapping) {
            if (source == column) field = toQt(name);
        }
        boxAt(row)->setCurrentIndex(std::max(boxAt(row)->findData(field), 0));
    }
}

core::ColumnMapping ColumnMapping::mapping() const {
    core::ColumnMapping found;
    for (const std::string_view field : core::kMappedFields) {
        for (int row = 0; row < rowCount(); ++row) {
            if (boxAt(row)->currentData().toString() != toQt(field)) continue;
            found.emplace_back(field, toStd(item(row, Name)->text()));
            break;  // the first column of a field counts
        }
    }
    return found;
}

void ColumnMapping::setEditable(bool editable) {
    setColumnHidden(Field, !editable);
}

}  // namespace dayrun::ui
