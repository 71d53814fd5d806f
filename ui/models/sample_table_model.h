// Rows of one data source as a virtual table: the browser knows where every row lies, pages are
// read by jobs when they are looked at, and a million rows cost an index and a few pages. A new
// source or search makes old answers stale. Ui thread.
#pragma once

#include <QAbstractTableModel>
#include <QTimer>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/data/source_browser.h"
#include "core/recipe/recipe.h"
#include "ui/look/job.h"
#include "ui/models/row_filter.h"

namespace dayrun::ui {

class SampleTableModel : public QAbstractTableModel {
    Q_OBJECT

  public:
    enum Column { Row, Prompt, Reply, Words, kColumnCount };

    explicit SampleTableModel(QObject* parent = nullptr);

    /// Opens a source and starts to index it; relative paths start from `folder`.
    void setSource(uint32_t source_index, const core::DataSpec& spec,
                   const std::filesystem::path& folder);
    void clear();
    /// Shows only rows that fit a RowFilter's text; empty shows all. Searched by jobs, found rows
    /// come as they are found.
    void setSearch(const QString& search);
    bool isSearching() const { return m_is_searching; }
    bool hasSearch() const { return m_matches.has_value(); }

    /// The row when its page has been read, else null (and the page is asked for).
    const core::BrowsedRow* row(int table_row) const;
    /// Rows of the source indexed so far.
    int64_t sourceRowCount() const;
    bool isComplete() const;
    /// Why the source cannot be read; empty when it can.
    const QString& problem() const { return m_problem; }
    QString converter() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

  Q_SIGNALS:
    /// Rows have come, indexing has ended, or something failed.
    void changed();
    /// These table rows can be read now.
    void rowsRead(int first, int last);

  private:
    using Browser = std::shared_ptr<core::SourceBrowser>;

    void startIndex(Browser browser);
    void showGrowth();
    void searchOn();
    int64_t sourceRow(int table_row) const;
    void wantPage(int64_t page) const;
    void readNextPage() const;
    void takePage(int64_t page, core::Result<std::vector<core::BrowsedRow>> rows);

    uint32_t m_source_index = 0;
    Browser m_browser;
    int m_row_count = 0;
    QString m_problem;
    QString m_search;
    RowFilter m_filter;
    std::optional<std::vector<int64_t>> m_matches;  // while there is a search
    int64_t m_searched_to = 0;                      // source rows looked at by it
    bool m_is_searching = false;
    bool m_is_in_stretch = false;  // a job of the search runs
    QTimer m_growth;
    Job m_open_job;
    Job m_index_job;
    Job m_search_job;
    // Reading on demand happens inside const data(): the pages are a cache, not a state.
    mutable std::map<int64_t, std::vector<core::BrowsedRow>> m_pages;
    mutable std::vector<int64_t> m_page_order;  // oldest first
    mutable std::vector<int64_t> m_wanted;      // newest last
    mutable std::optional<int64_t> m_reading;
    mutable Job m_page_job;
};

}  // namespace dayrun::ui
