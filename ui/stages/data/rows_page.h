// The rows of one source: a virtual table with a filter box, and the selected row as text and as
// tokens. The preview follows the arrow keys, J and K. Ui thread.
#pragma once

#include <QWidget>
#include <memory>
#include <optional>

#include "core/data/source_browser.h"
#include "core/recipe/recipe.h"
#include "ui/stages/stage.h"

class QLineEdit;
class QTabWidget;
class QTableView;
class QTextEdit;

namespace dayrun::ui {

class ElidedLabel;
class PreparedData;
class SampleTableModel;
class TokenLens;

class RowsPage : public QWidget {
    Q_OBJECT

  public:
    RowsPage(StageContext context, PreparedData& prepared, QWidget* parent = nullptr);
    /// Shows a source of the draft; the rows stay when it is read as before.
    void showSource(int index);
    void clear();
    void focusSearch();
    /// Goes to a row (from 0) of the source as soon as it is indexed; a filter is cleared.
    void showRow(int64_t row);
    /// Moves the selection by rows, as the arrow keys do.
    void step(int rows);
    /// Leaves the selected row out of the data by its number; undo brings it back.
    void leaveOut();
    /// Fills the inspector with the selected row.
    void showInInspector();

    SampleTableModel& rows() const { return *m_rows; }
    QTableView* table() const { return m_table; }
    QLineEdit* searchBox() const { return m_search; }
    TokenLens* lens() const { return m_lens; }
    QTabWidget* preview() const { return m_preview; }

  private:
    QWidget* makeRows();
    void makeTable();
    QWidget* makePreview();
    void showReading();
    void goToWanted();
    void showSelected();
    void showLens();
    void showRow(const core::BrowsedRow& row);
    bool isLeftOut(const core::BrowsedRow& row) const;

    StageContext m_context;
    PreparedData& m_prepared;
    SampleTableModel* m_rows;
    QLineEdit* m_search;
    QTableView* m_table;
    ElidedLabel* m_reading;
    QTabWidget* m_preview;
    QTextEdit* m_text;
    TokenLens* m_lens;
    core::DataSpec m_spec;
    int m_index = -1;
    bool m_has_source = false;
    std::optional<int64_t> m_wanted_row;
};

}  // namespace dayrun::ui
