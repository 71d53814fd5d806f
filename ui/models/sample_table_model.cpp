// Neighbours: core/data/source_browser.h indexes and reads, stages/data shows.
#include "ui/models/sample_table_model.h"

#include <algorithm>

#include "core/base/units.h"
#include "ui/bridge/text.h"
#include "ui/models/sample_text.h"

namespace dayrun::ui {
namespace {

constexpr int64_t kPageRows = 100;
constexpr size_t kKeptPages = 40;
constexpr int kGrowthMs = 150;
// A search shows at most this many rows: more cannot be read through anyway.
constexpr size_t kMostMatches = 5000;

bool fits(const core::BrowsedRow& row, const QStringList& words) {
    QString all;
    for (const core::Sample& sample : row.samples) {
        for (const SamplePart& part : sampleParts(sample)) all += part.text + QLatin1Char('\n');
    }
    all += toQt(row.problem);
    return std::all_of(words.begin(), words.end(), [&](const QString& word) {
        const qsizetype colon = word.indexOf(QLatin1Char(':'));
        if (colon <= 0) return all.contains(word, Qt::CaseInsensitive);
        const std::string field = toStd(word.left(colon));
        return std::any_of(row.samples.begin(), row.samples.end(), [&](const core::Sample& sample) {
            return toQt(sample.field(field)).contains(word.mid(colon + 1), Qt::CaseInsensitive);
        });
    });
}

std::vector<int64_t> search(const core::SourceBrowser& browser, const QStringList& words,
                            std::stop_token stop) {
    std::vector<int64_t> found;
    for (int64_t begin = 0; !stop.stop_requested() && found.size() < kMostMatches;
         begin += kPageRows) {
        const auto rows = browser.rows(begin, kPageRows);
        if (!rows.ok() || rows->empty()) break;
        for (const core::BrowsedRow& row : *rows) {
            if (fits(row, words)) found.push_back(row.row_index);
        }
    }
    return found;
}

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
    m_is_searching = false;
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
    m_index_job = startJob(
        this, [browser = m_browser](std::stop_token stop) { return browser->build({}, stop); },
        [this](const core::Result<void>& built) {
            m_growth.stop();
            if (!built.ok()) m_problem = toQt(built.error());
            showGrowth();
            if (!m_search.isEmpty()) setSearch(m_search);
        });
}

// The index grows while it is built: new rows are appended, nothing on the screen moves.
void SampleTableModel::showGrowth() {
    const int now = static_cast<int>(sourceRowCount());
    if (!m_matches && now > m_row_count) {
        beginInsertRows({}, m_row_count, now - 1);
        m_row_count = now;
        // The last page may have been read half full.
        if (!m_page_order.empty()) m_pages.erase(m_pages.rbegin()->first);
        endInsertRows();
    }
    Q_EMIT changed();
}

void SampleTableModel::setSearch(const QString& search_text) {
    m_search = search_text.trimmed();
    m_search_job.cancel();
    const QStringList words = m_search.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    if (words.isEmpty() || !m_browser) {
        beginResetModel();
        m_matches.reset();
        m_is_searching = false;
        m_row_count = static_cast<int>(sourceRowCount());
        endResetModel();
        Q_EMIT changed();
        return;
    }
    m_is_searching = true;
    m_search_job = startJob(
        this,
        [browser = m_browser, words](std::stop_token stop) {
            return search(*browser, words, stop);
        },
        [this](std::vector<int64_t> found) {
            beginResetModel();
            m_is_searching = false;
            m_row_count = static_cast<int>(found.size());
            m_matches = std::move(found);
            endResetModel();
            Q_EMIT changed();
        });
    Q_EMIT changed();
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
    if (index.column() == Row) return toQt(core::format_count(sourceRow(index.row())));
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
