// Neighbours: core/data/source_browser.h indexes and reads, prepared_data.h has the caches.
#include "ui/project/source_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/compile/cache/token_cache.h"
#include "core/data/curate/filter.h"
#include "ui/project/prepared_data.h"

namespace dayrun::ui {
namespace {

// An index has 16 bytes a row: a recipe's sources and a few evaluation files.
constexpr size_t kKeptSources = 32;
constexpr int64_t kBlockRows = 1024;

/// Changes when other rows, or the same ones in another way, would be read.
std::string keyOf(const core::DataSpec& spec, const core::DataSource& source) {
    std::string key =
        fmt::format("{}\n{}\n{}\n", spec.name, spec.converter, static_cast<int>(spec.turns));
    for (const auto& [field, column] : spec.columns) key += fmt::format("{}<{}\n", field, column);
    for (const auto& [field, text] : spec.fields) key += fmt::format("{}={}\n", field, text);
    for (const core::SourceFile& file : source.files) {
        key += fmt::format("{} {} {}\n", file.path.string(), file.bytes, file.modified_ns);
    }
    return key;
}

/// Whether an example of a report ("a.jsonl:17: it is not JSON") is of the row at `place`.
bool standsAt(const std::string& example, const std::string& place) {
    if (!example.starts_with(place)) return false;
    return example.size() == place.size() ||
           std::isdigit(static_cast<unsigned char>(example[place.size()])) == 0;
}

core::Error gone(const std::string& source) {
    return {.code = core::ErrorCode::BadData,
            .message = fmt::format("The row is not in '{}' any more.", source),
            .hint = "Its files have changed; the data is read again by and by."};
}

}  // namespace

struct SourceRows::Entry {
    std::string key;
    std::mutex mutex;  // held while the index is built: a second asker waits for it
    Browser browser;
};

SourceRows::SourceRows() = default;
SourceRows::~SourceRows() = default;

core::Result<SourceRows::Browser> SourceRows::browser(const core::DataSpec& spec,
                                                      const std::filesystem::path& folder,
                                                      std::stop_token stop) {
    TRY(source, core::open_source(spec, folder, core::Hashing::No));
    const std::string key = keyOf(spec, source);
    std::shared_ptr<Entry> entry;
    {
        const std::lock_guard lock(m_mutex);
        const auto found = std::find_if(m_entries.begin(), m_entries.end(),
                                        [&](const auto& known) { return known->key == key; });
        if (found != m_entries.end()) {
            entry = *found;
            m_entries.erase(found);
        } else {
            entry = std::make_shared<Entry>();
            entry->key = key;
        }
        m_entries.push_back(entry);
        if (m_entries.size() > kKeptSources) m_entries.erase(m_entries.begin());
    }
    const std::lock_guard lock(entry->mutex);
    if (entry->browser) return entry->browser;
    TRY(opened, core::SourceBrowser::open(spec, folder));
    TRY_VOID(opened->build({}, stop));
    entry->browser = opened;
    return opened;
}

core::Result<core::BrowsedRow> SourceRows::row(const core::DataSpec& spec,
                                               const std::filesystem::path& folder, int64_t row,
                                               std::stop_token stop) {
    TRY(rows_of, browser(spec, folder, std::move(stop)));
    TRY(rows, rows_of->rows(row, 1));
    if (rows.empty()) return gone(spec.name);
    return std::move(rows.front());
}

core::Result<core::Sample> SourceRows::sample(const Prepared& prepared, core::SampleRef cached,
                                              std::stop_token stop) {
    const core::TokenCache& cache = prepared.data->cache(cached.source_index);
    const core::DataSpec& spec = prepared.recipe.data[cached.source_index];
    TRY(found, row(spec, prepared.recipe.data_folder(),
                   static_cast<int64_t>(cache.row_indices[cached.row]), std::move(stop)));
    for (core::Sample& sample : found.samples) {
        if (sample.sample_id != cache.sample_ids[cached.row]) continue;
        sample.source_index = cached.source_index;
        core::lowercase_input(sample, spec.lowercase, prepared.recipe.seed);
        return std::move(sample);
    }
    return gone(spec.name);
}

core::Result<int64_t> SourceRows::find(const core::DataSpec& spec,
                                       const std::filesystem::path& folder,
                                       const std::string& place, std::stop_token stop) {
    TRY(rows_of, browser(spec, folder, stop));
    // Most files have a row on every line: the number behind the colon is a good guess.
    const size_t colon = place.find(':');
    const int64_t line = colon == std::string::npos ? 0 : std::atoll(place.c_str() + colon + 1);
    if (line > 0) {
        TRY(guessed, rows_of->rows(line - 1, 1));
        if (!guessed.empty() && standsAt(place, guessed.front().place)) return line - 1;
    }
    for (int64_t begin = 0; begin < rows_of->row_count(); begin += kBlockRows) {
        if (stop.stop_requested()) {
            return core::Error{.code = core::ErrorCode::Cancelled, .message = "Stopped."};
        }
        TRY(block, rows_of->rows(begin, kBlockRows));
        for (const core::BrowsedRow& row : block) {
            if (standsAt(place, row.place)) return row.row_index;
        }
    }
    return gone(spec.name);
}

}  // namespace dayrun::ui
