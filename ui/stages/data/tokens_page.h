// What the trainer reads, searched: samples of the token caches by what may be wrong with them, and
// the packed rows of an epoch, each in the token lens. Ui thread; searches are jobs.
#pragma once

#include <QWidget>

#include "ui/look/job.h"
#include "ui/models/lens_reader.h"
#include "ui/stages/stage.h"

class QComboBox;
class QTableView;

namespace dayrun::ui {

class WholeNumberField;

class CachedSampleModel;
class ElidedLabel;
class PreparedData;
class SourceRows;
class TokenLens;

class TokensPage : public QWidget {
    Q_OBJECT

  public:
    TokensPage(StageContext context, PreparedData& prepared, std::shared_ptr<SourceRows> rows,
               QWidget* parent = nullptr);
    /// Searches anew when the data is another than before.
    void refresh();
    void showSearch(LensSearch search);

    QComboBox* whatBox() const { return m_what; }
    CachedSampleModel& found() const { return *m_found; }
    QTableView* table() const { return m_table; }
    TokenLens* lens() const { return m_lens; }
    bool isSearching() const { return m_is_searching; }

  private:
    QWidget* makeLeft();
    void fillSources();
    void search();
    void searchCached();
    void readEpoch();
    void showState();
    void showSelected();
    void nameSelected(LensPage page, std::vector<core::SampleRef> documents);

    StageContext m_context;
    PreparedData& m_prepared;
    std::shared_ptr<SourceRows> m_rows;
    QComboBox* m_what;
    QComboBox* m_source;
    WholeNumberField* m_epoch;
    CachedSampleModel* m_found;
    QTableView* m_table;
    ElidedLabel* m_state;
    TokenLens* m_lens;
    std::shared_ptr<const Prepared> m_searched;
    bool m_is_searching = false;
    Job m_search_job;
    Job m_lens_job;
    Job m_names_job;
};

}  // namespace dayrun::ui
