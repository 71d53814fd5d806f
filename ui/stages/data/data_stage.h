// Stage 1: the recipe's sources, their rows, the mix, what is left out, duplicates and overlap, and
// the tokens that the trainer reads. Files come in by button or by drag and drop, through the
// import sheet. Ui thread.
#pragma once

#include "core/data/source_browser.h"
#include "core/recipe/recipe.h"
#include "ui/stages/stage.h"

class QPushButton;
class QStackedWidget;
class QTabWidget;
class QTableView;

namespace dayrun::ui {

class FindingsPage;
class ImportSheet;
class MixPage;
class PreparedData;
class RowsPage;
class SampleTableModel;
class SourceCards;
class TokensPage;

enum class DataPage { Rows, Mix, Tokens, LeftOut, Duplicates, Overlap };

class DataStage : public Stage {
    Q_OBJECT

  public:
    explicit DataStage(StageContext context, QWidget* parent = nullptr);
    void showInInspector() override;

    void showPage(DataPage page);
    DataPage page() const;
    /// Puts the cursor into the filter box (Ctrl+F).
    void focusSearch();
    /// Opens the import sheet for files or folders; each import is one undoable command.
    ImportSheet* importPaths(const QStringList& paths);
    /// Opens the sheet for the selected source: how it is read, and as what.
    ImportSheet* editSource();
    void chooseFiles();
    void chooseFolder();
    void removeSource();
    void showSource(int index);

    RowsPage* rowsPage() const { return m_rows; }
    MixPage* mixPage() const { return m_mix; }
    TokensPage* tokensPage() const { return m_tokens; }
    FindingsPage* findings(DataPage page) const;
    PreparedData& prepared() const { return *m_prepared; }
    SourceCards* cards() const { return m_cards; }

  protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;

  private:
    QWidget* makeEmpty();
    QWidget* makeSources();
    QWidget* makePages();
    ImportSheet* openSheet(ImportSheet* sheet);
    void showSources();
    void showSourceFacts();
    void showStatus();
    void follow();

    StageContext m_context;
    PreparedData* m_prepared;
    QStackedWidget* m_pages;
    QTabWidget* m_tabs;
    SourceCards* m_cards;
    QPushButton* m_remove;
    QPushButton* m_edit;
    RowsPage* m_rows;
    MixPage* m_mix;
    TokensPage* m_tokens;
};

}  // namespace dayrun::ui
