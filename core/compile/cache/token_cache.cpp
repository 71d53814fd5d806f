// Reading an Arrow IPC file with one row a sample, checked by version, key and checksums.
// Neighbours: token_cache.h, token_cache_writer.cpp writes it, arrow_file/.
#include "core/compile/cache/token_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>

#include "core/compile/arrow_file/arrow_reader.h"
#include "core/compile/cache/cache_layout.h"

namespace dayrun::core {
namespace {

using namespace cache_layout;
namespace fs = std::filesystem;

Error unusable(const fs::path& path, std::string why, std::string detail = {}) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("The token cache {} {}.", path.string(), why),
            .hint = "It is built anew.",
            .detail = std::move(detail)};
}

}  // namespace

struct TokenCache::State {
    fs::path path;
    std::string report;
    std::shared_ptr<const ArrowFile> file;
    std::vector<uint32_t> starts;  // first row of each batch
    std::atomic<bool> is_damaged = false;
    std::once_flag set_aside;
    std::string advice;  // once set aside

    struct Place {
        size_t batch;
        uint32_t row;  // of the batch
    };
    Place place(uint32_t row) const {
        const auto next = std::upper_bound(starts.begin(), starts.end(), row);
        const auto batch = static_cast<size_t>(next - starts.begin()) - 1;
        return {batch, row - starts[batch]};
    }
    template <typename Number>
    std::span<const Number> list(Place at, Column column) const {
        return file->list<Number>(at.batch, column, at.row);
    }
    uint64_t checksum(Place at, Column column) const {
        return file->numbers<uint64_t>(at.batch, column)[at.row];
    }
};

TokenCache::TokenCache() : m_state(std::make_unique<State>()) {}
TokenCache::~TokenCache() = default;

const std::string& TokenCache::report() const {
    return m_state->report;
}
const fs::path& TokenCache::path() const {
    return m_state->path;
}
bool TokenCache::is_damaged() const {
    return m_state->is_damaged;
}

namespace {

template <typename Number, typename Out>
void copy_column(const ArrowFile& file, size_t batch, Column column, std::vector<Out>& out) {
    for (const Number value : file.numbers<Number>(batch, column)) {
        out.push_back(static_cast<Out>(value));
    }
}

}  // namespace

Result<void> TokenCache::load(const fs::path& path, const std::string& key) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
        if (fs::exists(set_aside(path), ignored)) return unusable(path, "was damaged");
        return Error{.code = ErrorCode::FileMissing,
                     .message = fmt::format("There is no token cache {}.", path.string())};
    }
    const auto opened = ArrowFile::open(path);
    if (!opened.ok()) {
        const bool is_damaged = opened.error().code == ErrorCode::FileDamaged;
        return unusable(path, is_damaged ? "is damaged or half-written" : "cannot be opened",
                        opened.error().detail);
    }
    const ArrowFile& file = **opened;
    if (file.metadata("dayrun_version") != kVersion) return unusable(path, "is of another version");
    if (file.metadata("dayrun_key") != key) {
        return unusable(path, "was made from other data or settings");
    }
    if (file.columns() != columns()) return unusable(path, "has other columns");
    FileChecksum checksum;
    for (size_t batch = 0; batch < file.batch_count(); ++batch) {
        checksum.add_batch(file.checksum(batch));
    }
    std::string report = file.metadata("dayrun_report");
    if (file.metadata("dayrun_checksum") != checksum.with(report)) {
        return unusable(path, "is damaged", "its checksum is another");
    }
    m_state->path = path;
    m_state->report = std::move(report);
    m_state->file = *opened;
    for (size_t batch = 0; batch < file.batch_count(); ++batch) {
        if (file.row_count(batch) > std::numeric_limits<uint32_t>::max() - row_count()) {
            return unusable(path, "has too many rows");
        }
        m_state->starts.push_back(row_count());
        copy_column<uint64_t>(file, batch, kSampleId, sample_ids);
        copy_column<uint64_t>(file, batch, kRowIndex, row_indices);
        copy_column<uint64_t>(file, batch, kInputHash, input_hashes);
        copy_column<uint64_t>(file, batch, kFullHash, full_hashes);
        copy_column<uint64_t>(file, batch, kGroupHash, group_hashes);
        copy_column<int32_t>(file, batch, kTokenCount, token_counts);
        copy_column<int32_t>(file, batch, kTargetCount, target_counts);
        copy_column<int32_t>(file, batch, kTruncated, truncated_counts);
        copy_column<int32_t>(file, batch, kTruncatedTargets, truncated_target_counts);
        copy_column<uint8_t>(file, batch, kStatus, statuses);
        copy_column<uint8_t>(file, batch, kLostStop, lost_stop);
    }
    return {};
}

Result<std::shared_ptr<const TokenCache>> TokenCache::open(const fs::path& path,
                                                           const std::string& key) {
    std::shared_ptr<TokenCache> cache(new TokenCache());
    TRY_VOID(cache->load(path, key));
    return std::shared_ptr<const TokenCache>(std::move(cache));
}

Error TokenCache::damaged(uint32_t row) const {
    const fs::path& path = m_state->path;
    Error error = unusable(path, "is damaged",
                           fmt::format("row {} has another checksum", row_indices[row] + 1));
    std::call_once(m_state->set_aside, [&] {
        m_state->is_damaged = true;
        std::error_code failed;
        // Another program may have built it anew by now.
        if (m_state->file->is_at(path)) fs::rename(path, set_aside(path), failed);
        m_state->advice =
            failed ? fmt::format("Delete it, so that the next start builds it anew ({}).",
                                 failed.message())
                   : "It was set aside: the next start builds it anew.";
    });
    error.hint = m_state->advice;
    return error;
}

Result<std::span<const uint32_t>> TokenCache::words(uint32_t row) const {
    const State::Place at = m_state->place(row);
    const std::array lists{m_state->list<uint32_t>(at, kWords)};
    if (checksum_of(lists) != m_state->checksum(at, kWordsChecksum)) return damaged(row);
    return lists[0];
}

Result<TokenCache::Lists> TokenCache::lists(uint32_t row) const {
    const State::Place at = m_state->place(row);
    const Lists found{m_state->list<int32_t>(at, kTokens), m_state->list<int32_t>(at, kTrainedRuns),
                      m_state->list<int32_t>(at, kLabels)};
    if (checksum_of(found) != m_state->checksum(at, kRowChecksum)) return damaged(row);
    return found;
}

uint64_t TokenCache::checksum(uint32_t row) const {
    return m_state->checksum(m_state->place(row), kRowChecksum);
}

Result<void> TokenCache::check() const {
    for (uint32_t row = 0; row < row_count(); ++row) {
        const auto ids = lists(row);
        if (!ids.ok()) return ids.error();
        const auto own_words = words(row);
        if (!own_words.ok()) return own_words.error();
    }
    return {};
}

Result<TokenizedSample> TokenCache::read(uint32_t row, uint32_t source_index) const {
    TRY(found, lists(row));
    const auto& [ids, runs, labels] = found;
    TokenizedSample sample;
    sample.sample_id = sample_ids[row];
    sample.row_index = row_indices[row];
    sample.source_index = source_index;
    sample.truncated_tokens = truncated_counts[row];
    sample.lost_stop_token = lost_stop[row] != 0;
    sample.tokens.assign(ids.begin(), ids.end());
    sample.labels.assign(labels.begin(), labels.end());
    if (!sample.labels.empty()) return sample;
    sample.labels.assign(ids.size(), kIgnoreLabel);
    for (size_t i = 0; i + 1 < runs.size(); i += 2) {
        const size_t end = std::min(static_cast<size_t>(runs[i + 1]), ids.size());
        for (auto t = static_cast<size_t>(runs[i]); t < end; ++t) {
            sample.labels[t] = ids[t];
        }
    }
    return sample;
}

}  // namespace dayrun::core
