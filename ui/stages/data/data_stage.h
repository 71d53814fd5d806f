// Stage 1: the recipe's sources, their rows in a table that is read as it is scrolled, and the
// selected row as text and as tokens. Files come in by button or by drag and drop. Ui thread.
#pragma once

#include "core/data/source_browser.h"
#include "core/recipe/recipe.h"
#include "ui/stages/stage.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QStackedWidget;
class QTableView;
class QTextEdit;

namespace dayrun::ui {

class ElidedLabel;
class SampleTableModel;
class SourceCards;
class TokenLens;

class DataStage : public Stage {
    Q_OBJECT

  public:
    explicit DataStage(StageContext context, QWidget* parent = nullptr);
    void showInInspector() override;

    void focusSearch();
    /// Adds files or folders as sources; each is one undoable command.
    void addPaths(const QStringList& paths);
    SampleTableModel& rows() const { return *m_rows; }
    QTableView* table() const { return m_table; }
    void showSource(int index);

  protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;

  private:
    QWidget* makeEmpty();
    QWidget* makeSources();
    QWidget* makeRows();
    QWidget* makePreview();
    void chooseFiles();
    void chooseFolder();
    void showSources();
    void showReading();
    void showSelected();
    void showRow(const core::BrowsedRow& row);
    void showSourceFacts();
    void showStatus();

    StageContext m_context;
    QStackedWidget* m_pages;
    SourceCards* m_cards;
    QPushButton* m_remove;
    SampleTableModel* m_rows;
    QLineEdit* m_search;
    QTableView* m_table;
    ElidedLabel* m_reading;
    QTextEdit* m_text;
    TokenLens* m_lens;
    core::DataSpec m_shown_spec;
    bool m_has_shown = false;
};

}  // namespace dayrun::ui
