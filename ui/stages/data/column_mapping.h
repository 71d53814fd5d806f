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

/// (sample field, file column), as in the recipe.
using Columns = std::vector<std::pair<std::string, std::string>>;

/// A mapping by the usual names of columns; empty when no column reads like a reply or a text.
Columns guessColumns(const std::vector<core::ColumnInfo>& columns);

class ColumnMapping : public QTableWidget {
    Q_OBJECT

  public:
    explicit ColumnMapping(QWidget* parent = nullptr);
    void setColumns(const std::vector<core::ColumnInfo>& columns);
    void setMapping(const Columns& mapping);
    Columns mapping() const;
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
