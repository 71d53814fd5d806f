// Neighbours: core/data/source_browser.h indexes and reads, stages/data shows.
#include "ui/models/sample_table_model.h"

#include <algorithm>

#include "core/base/units.h"
#include "ui/look/text.h"
#include "ui/models/sample_text.h"

namespace dayrun::ui {
namespace {

constexpr int64_t kPageRows = 100;
constexpr size_t kKeptPages = 40;
constexpr int kGrowthMs = 150;
// A search goes through the source in such stretches, and shows what each has found.
constexpr int64_t kSearchStretch = 20'000;

}  // namespace

SampleTableModel::SampleTableModel(QObject* parent) : QAbstractTableModel(parent) {
    m_growth.setInterval(kGrowthMs);
    connect(&m_growth, &QTimer::timeout, this, &SampleTableModel::showGrowth);
}

void SampleTableModel::clear() {
    m_open_job.cancel();
    m_index_job.cancel();
    m_search_job.cancel();
    m_page_job.cancel();
    m_growth.stop();
    beginResetModel();
    m_browser.reset();
    m_row_count = 0;
    m_problem.clear();
    m_matches.reset();
    m_filter = {};
    m_searched_to = 0;
    m_is_searching = m_is_in_stretch = false;
    m_pages.clear();
    m_page_order.clear();
    m_wanted.clear();
    m_reading.reset();
    endResetModel();
    Q_EMIT changed();
}

void SampleTableModel::setSource(uint32_t source_index, const core::DataSpec& spec,
                                 const std::filesystem::path& folder) {
    clear();
    m_source_index = source_index;
    m_open_job = startJob(
        this, [spec, folder](std::stop_token) { return core::SourceBrowser::open(spec, folder); },
        [this](core::Result<Browser> browser) {
            if (browser.ok()) return startIndex(std::move(browser).value());
            m_problem = toQt(browser.error());
            Q_EMIT changed();
        });
}

void SampleTableModel::startIndex(Browser browser) {
    m_browser = std::move(browser);
    m_growth.start();
    if (!m_search.isEmpty()) setSearch(m_search);
    m_index_job = startJob(
        this, Lane::Scan,
        [browser = m_browser](std::stop_token stop) { return browser->build({}, stop); },
        [this](const core::Result<void>& built) {
            m_growth.stop();
            if (!built.ok()) m_problem = toQt(built.error());
            showGrowth();
        });
}

// The index grows while it is built: new rows are appended, nothing on the screen moves.
void SampleTableModel::showGrowth() {
    const int now = static_cast<int>(sourceRowCount());
    if (m_is_searching && !m_is_in_stretch) searchOn();
    if (!m_matches && now > m_row_count) {
        beginInsertRows({}, m_row_count, now - 1);
        m_row_count = now;
        // The last page may have been read half full.
        if (!m_pages.empty() && std::ssize(m_pages.rbegin()->second) < kPageRows) {
            std::erase(m_page_order, m_pages.rbegin()->first);
            m_pages.erase(std::prev(m_pages.end()));
        }
        endInsertRows();
    }
    Q_EMIT changed();
}

void SampleTableModel::setSearch(const QString& search_text) {
    m_search = search_text.trimmed();
    m_search_job.cancel();
    m_filter = RowFilter::make(m_search);
    m_searched_to = 0;
    m_is_in_stretch = false;
    m_is_searching = !m_filter.isEmpty() && m_browser != nullptr;
    beginResetModel();
    m_matches.reset();
    if (m_is_searching) m_matches.emplace();
    m_row_count = m_matches ? 0 : static_cast<int>(sourceRowCount());
    endResetModel();
    Q_EMIT changed();
    if (m_is_searching) searchOn();
}

// The next stretch of rows that are indexed; what it finds is appended, nothing on the screen
// moves.
void SampleTableModel::searchOn() {
    const int64_t end = std::min(m_searched_to + kSearchStretch, sourceRowCount());
    m_is_in_stretch = end > m_searched_to;
    if (end == m_searched_to) {
        m_is_searching = !isComplete();
        Q_EMIT changed();
        return;
    }
    m_search_job = startJob(
        this, Lane::Scan,
        [browser = m_browser, filter = m_filter, begin = m_searched_to, end](std::stop_token stop) {
            return filter.find(*browser, begin, end, stop);
        },
        [this, end](const core::Result<std::vector<int64_t>>& found) {
            if (!found.ok()) {
                m_problem = toQt(found.error());
                m_is_searching = m_is_in_stretch = false;
                Q_EMIT changed();
                return;
            }
            m_searched_to = end;
            if (!found->empty()) {
                const int now = m_row_count + static_cast<int>(found->size());
                beginInsertRows({}, m_row_count, now - 1);
                m_matches->insert(m_matches->end(), found->begin(), found->end());
                m_row_count = now;
                endInsertRows();
            }
            Q_EMIT changed();
            searchOn();
        });
}

int64_t SampleTableModel::sourceRowCount() const {
    return m_browser ? m_browser->row_count() : 0;
}

bool SampleTableModel::isComplete() const {
    return m_browser && m_browser->is_complete();
}

QString SampleTableModel::converter() const {
    return m_browser ? toQt(m_browser->converter_name()) : QString();
}

int64_t SampleTableModel::sourceRow(int table_row) const {
    return m_matches ? (*m_matches)[static_cast<size_t>(table_row)] : table_row;
}

const core::BrowsedRow* SampleTableModel::row(int table_row) const {
    if (table_row < 0 || table_row >= m_row_count) return nullptr;
    const int64_t number = sourceRow(table_row);
    const int64_t page = number / kPageRows;
    const auto found = m_pages.find(page);
    const auto place = static_cast<size_t>(number % kPageRows);
    if (found == m_pages.end() || place >= found->second.size()) {
        wantPage(page);
        return nullptr;
    }
    return &found->second[place];
}

// The page looked at last is read first: who scrolls fast does not wait for what went by.
void SampleTableModel::wantPage(int64_t page) const {
    if (m_reading == page) return;
    std::erase(m_wanted, page);
    m_wanted.push_back(page);
    if (m_wanted.size() > 4) m_wanted.erase(m_wanted.begin());
    readNextPage();
}

void SampleTableModel::readNextPage() const {
    if (m_reading || m_wanted.empty() || !m_browser) return;
    const int64_t page = m_wanted.back();
    m_wanted.pop_back();
    m_reading = page;
    auto* self = const_cast<SampleTableModel*>(this);
    m_page_job = startJob(
        self,
        [browser = m_browser, page](std::stop_token) {
            return browser->rows(page * kPageRows, kPageRows);
        },
        [self, page](core::Result<std::vector<core::BrowsedRow>> rows) {
            self->takePage(page, std::move(rows));
        });
}

void SampleTableModel::takePage(int64_t page, core::Result<std::vector<core::BrowsedRow>> rows) {
    m_reading.reset();
    if (!rows.ok()) {
        m_problem = toQt(rows.error());
        Q_EMIT changed();
        return;
    }
    for (core::BrowsedRow& row : rows.value()) {
        for (core::Sample& sample : row.samples) sample.source_index = m_source_index;
    }
    if (rows->empty()) return readNextPage();
    m_pages[page] = std::move(rows).value();
    std::erase(m_page_order, page);
    m_page_order.push_back(page);
    if (m_page_order.size() > kKeptPages) {
        m_pages.erase(m_page_order.front());
        m_page_order.erase(m_page_order.begin());
    }
    int first = static_cast<int>(page * kPageRows);
    int last = std::min(m_row_count, static_cast<int>((page + 1) * kPageRows)) - 1;
    if (m_matches) {
        first = 0;
        last = m_row_count - 1;
    }
    if (last >= first) {
        Q_EMIT dataChanged(index(first, 0), index(last, kColumnCount - 1));
        Q_EMIT rowsRead(first, last);
    }
    readNextPage();
}

int SampleTableModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : m_row_count;
}

int SampleTableModel::columnCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : kColumnCount;
}

QVariant SampleTableModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid()) return {};
    if (role == Qt::TextAlignmentRole && (index.column() == Row || index.column() == Words)) {
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
    // Counted from 1, as files, reports and the lens count.
    if (index.column() == Row) return numberText(sourceRow(index.row()) + 1);
    const core::BrowsedRow* shown = row(index.row());
    if (shown == nullptr) return QStringLiteral("\u2026");
    if (index.column() == Prompt && role == Qt::ToolTipRole) return toQt(shown->place);
    if (role != Qt::DisplayRole) return {};
    if (index.column() == Prompt && !shown->problem.empty()) {
        return QString(QStringLiteral("\u26a0 ") + toQt(shown->problem));
    }
    if (shown->samples.empty()) return {};
    const core::Sample& sample = shown->samples.front();
    switch (index.column()) {
        case Prompt:
            return promptLine(sample);
        case Reply:
            return replyLine(sample);
        case Words:
            return toQt(core::format_count(wordCount(sample)));
        default:
            return {};
    }
}

QVariant SampleTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal) return {};
    if (role == Qt::TextAlignmentRole) {
        const bool is_number = section == Row || section == Words;
        return QVariant((is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    }
    if (role != Qt::DisplayRole) return {};
    switch (section) {
        case Row:
            return tr("Row");
        case Prompt:
            return tr("Prompt");
        case Reply:
            return tr("Reply");
        case Words:
            return tr("Words");
        default:
            return {};
    }
}

}  // namespace dayrun::ui
