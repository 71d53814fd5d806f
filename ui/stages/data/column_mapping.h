// Which column of a file fills which field of a sample, as a table that can be edited: column,
// type, example, field. Ui thread.
#pragma once

#include <QTableWidget>
#include <string>
#include <utility>
#include <vector>

#include "core/data/inspect.h"

class QComboBox;

namespace dayrun::ui {

class ColumnMapping : public QTableWidget {
    Q_OBJECT

  public:
    explicit ColumnMapping(QWidget* parent = nullptr);
    void setColumns(const std::vector<core::ColumnInfo>& columns);
    void setMapping(const core::ColumnMapping& mapping);
    core::ColumnMapping mapping() const;
    /// Whether the fields can be chosen, or the converter takes the columns by itself.
    void setEditable(bool editable);
    /// The box that says which field a column fills; null for a column that is not there.
    QComboBox* fieldBox(const QString& column) const;

  Q_SIGNALS:
    void mappingChanged();

  private:
    QComboBox* boxAt(int row) const;
};

}  // namespace dayrun::ui
