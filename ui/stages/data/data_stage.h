// Stage 1: the recipe's sources, their rows, the mix, what is left out, duplicates and overlap, and
// the tokens that the trainer reads. Files come in by button or by drag and drop, through the
// import sheet. Ui thread.
#pragma once

#include <array>
#include <memory>

#include "core/recipe/recipe.h"
#include "ui/look/job.h"
#include "ui/stages/stage.h"

class QPushButton;
class QStackedWidget;
class QTabWidget;

namespace dayrun::ui {

class CachePanel;
class DropsPage;
class DuplicatesPage;
class ImportSheet;
class MixPage;
class OverlapPage;
class PreparedData;
class RowsPage;
class SourceCards;
class SourceRows;
class TemplatePage;
class TokensPage;

enum class DataPage { Rows, Mix, Template, Tokens, LeftOut, Duplicates, Overlap, kCount };

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
    /// Opens the list of the project's token caches.
    CachePanel* showCaches();
    void chooseFiles();
    void chooseFolder();
    void removeSource();
    void showSource(int index);
    /// Goes to a row (from 0) of a source on page Rows.
    void showRow(int source, int64_t row);
    /// The same for an example of a drop report: "row 17", "train.jsonl:17: it is not JSON".
    void showExample(int source, const QString& example);

    /// Shows what a pre-flight check of this name is about.
    void showCheck(const QString& check);

    // Each page is made when it is first asked for, by its tab or from here.
    RowsPage* rowsPage();
    MixPage* mixPage();
    TemplatePage* templatePage();
    TokensPage* tokensPage();
    DropsPage* dropsPage();
    DuplicatesPage* duplicatesPage();
    OverlapPage* overlapPage();
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
    QWidget* makePage(DataPage page);
    QWidget* ensurePage(DataPage page);
    bool isMade(DataPage page) const { return m_made[static_cast<size_t>(page)] != nullptr; }
    template <typename Page>
    Page* pageAs(DataPage page);
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
    std::array<QWidget*, static_cast<size_t>(DataPage::kCount)> m_made{};
    std::shared_ptr<SourceRows> m_source_rows;
    Job m_example_job;
};

}  // namespace dayrun::ui
