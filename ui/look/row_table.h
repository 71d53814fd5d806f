// A table of rows as all stages show them: whole rows are selected, all have one height, Tab leaves
// it. Ui thread.
#pragma once

#include <QString>

class QTableView;

namespace dayrun::ui {

void prepareTable(QTableView& table, const QString& name, const QString& description);

}  // namespace dayrun::ui
