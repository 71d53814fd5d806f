// Arrow IPC file with one row a sample: tokens as a list, trained stretches as begin/end pairs (the
// label of a trained position is the token itself; a token_ids row whose labels say otherwise
// stores them whole). Neighbours: token_cache.h, arrow_file/. Atomic by rename, checked by version
// and key.
#include "core/tokens/cache/token_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/base/atomic_file.h"
#include "core/base/temporary.h"
#include "core/tokens/arrow_file/arrow_reader.h"
#include "core/tokens/arrow_file/arrow_writer.h"

namespace dayrun::core {
namespace {

namespace fs = std::filesystem;

/// Layout or meaning of a column changed: older files are built anew.
constexpr std::string_view kVersion = "2";
constexpr int64_t kRowsPerBatch = 8192;
constexpr int64_t kTokensPerBatch = int64_t{1} << 22;  // what a writer holds

enum Column {
    kSampleId,
    kRowIndex,
    kInputHash,
    kFullHash,
    kGroupHash,
    kTokenCount,
    kTargetCount,
    kTruncated,
    kTruncatedTargets,
    kStatus,
    kLostStop,
    kTokens,
    kTrainedRuns,
    kLabels,
    kWords
};

const ArrowColumns& columns() {
    static const ArrowColumns s_columns{{"sample_id", ArrowKind::UInt64},
                                        {"row_index", ArrowKind::UInt64},
                                        {"input_hash", ArrowKind::UInt64},
                                        {"full_hash", ArrowKind::UInt64},
                                        {"group_hash", ArrowKind::UInt64},
                                        {"token_count", ArrowKind::Int32},
                                        {"target_count", ArrowKind::Int32},
                                        {"truncated_tokens", ArrowKind::Int32},
                                        {"truncated_target_tokens", ArrowKind::Int32},
                                        {"status", ArrowKind::UInt8},
                                        {"lost_stop_token", ArrowKind::UInt8},
                                        {"tokens", ArrowKind::Int32List},
                                        {"trained_runs", ArrowKind::Int32List},
                                        {"labels", ArrowKind::Int32List},
                                        {"words", ArrowKind::UInt32List}};
    return s_columns;
}

Error cannot_write(const fs::path& path, std::string why) {
    return {.code = ErrorCode::DiskFull,
            .message = fmt::format("Cannot write the token cache {}.", path.string()),
            .hint = "Make room on the disk or give another project folder.",
            .detail = std::move(why)};
}

Error unusable(const fs::path& path, std::string why, std::string detail = {}) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("The token cache {} {}.", path.string(), why),
            .hint = "It is built anew.",
            .detail = std::move(detail)};
}

/// [begin, end) pairs of trained positions.
std::vector<int32_t> trained_runs(const std::vector<int32_t>& labels) {
    std::vector<int32_t> runs;
    bool is_open = false;
    for (size_t i = 0; i <= labels.size(); ++i) {
        const bool is_trained = i < labels.size() && labels[i] != kIgnoreLabel;
        if (is_trained != is_open) runs.push_back(static_cast<int32_t>(i));
        is_open = is_trained;
    }
    return runs;
}

bool labels_are_tokens(const TokenizedSample& sample) {
    for (size_t i = 0; i < sample.labels.size(); ++i) {
        if (sample.labels[i] != kIgnoreLabel && sample.labels[i] != sample.tokens[i]) return false;
    }
    return true;
}

}  // namespace

struct TokenCacheWriter::State {
    fs::path path;
    Temporary temporary;
    std::string key;
    ArrowWriter writer;
    ArrowBatch batch{columns()};
    int64_t tokens = 0;  // of the batch's rows

    Result<void> flush() {
        if (batch.rows() == 0) return {};
        const auto written = writer.write(batch);
        batch.clear();
        tokens = 0;
        if (!written.ok()) return cannot_write(path, written.error().detail);
        return {};
    }

    void append(const CacheRow& row) {
        const TokenizedSample& sample = row.sample;
        const auto count = [&](Column column, int64_t value) {
            batch.add(column, static_cast<int32_t>(value));
        };
        batch.add<uint64_t>(kSampleId, sample.sample_id);
        batch.add<uint64_t>(kRowIndex, sample.row_index);
        batch.add<uint64_t>(kInputHash, row.input_hash);
        batch.add<uint64_t>(kFullHash, row.full_hash);
        batch.add<uint64_t>(kGroupHash, row.group_hash);
        count(kTokenCount, static_cast<int64_t>(sample.tokens.size()));
        count(kTargetCount, sample.target_token_count());
        count(kTruncated, sample.truncated_tokens);
        count(kTruncatedTargets, row.truncated_target_tokens);
        batch.add<uint8_t>(kStatus, static_cast<uint8_t>(row.status));
        batch.add<uint8_t>(kLostStop, sample.lost_stop_token ? 1 : 0);
        const bool is_kept = row.status == RowStatus::Kept;
        const bool is_plain = labels_are_tokens(sample);
        const std::vector<int32_t> nothing;
        const auto list = [&](Column column, const std::vector<int32_t>& values) {
            batch.add_list<int32_t>(column, values);
        };
        list(kTokens, is_kept ? sample.tokens : nothing);
        list(kTrainedRuns, is_kept ? trained_runs(sample.labels) : nothing);
        list(kLabels, is_kept && !is_plain ? sample.labels : nothing);
        batch.add_list<uint32_t>(kWords, row.words);
        batch.end_row();
    }
};

TokenCacheWriter::TokenCacheWriter(std::unique_ptr<State> state) : m_state(std::move(state)) {}
TokenCacheWriter::TokenCacheWriter(TokenCacheWriter&&) noexcept = default;
TokenCacheWriter::~TokenCacheWriter() = default;

Result<TokenCacheWriter> TokenCacheWriter::create(const fs::path& path, const std::string& key) {
    TRY_VOID(ensure_folder(path.parent_path()));
    remove_leftovers(path.parent_path(), Makers::MayLive);
    TRY(temporary, Temporary::file(path));
    auto writer = ArrowWriter::create(temporary.path(), columns());
    if (!writer.ok()) return cannot_write(path, writer.error().detail);
    return TokenCacheWriter(std::unique_ptr<State>(new State{.path = path,
                                                             .temporary = std::move(temporary),
                                                             .key = key,
                                                             .writer = std::move(*writer)}));
}

Result<void> TokenCacheWriter::add(const CacheRow& row) {
    m_state->append(row);
    m_state->tokens += static_cast<int64_t>(std::max(row.sample.tokens.size(), row.words.size()));
    if (m_state->batch.rows() < kRowsPerBatch && m_state->tokens < kTokensPerBatch) return {};
    return m_state->flush();
}

Result<void> TokenCacheWriter::finish(const std::string& report) {
    TRY_VOID(m_state->flush());
    const auto closed = m_state->writer.finish({{"dayrun_version", std::string(kVersion)},
                                                {"dayrun_key", m_state->key},
                                                {"dayrun_report", report}});
    if (!closed.ok()) return cannot_write(m_state->path, closed.error().detail);
    return m_state->temporary.put_in_place();
}

struct TokenCache::State {
    fs::path path;
    std::string report;
    std::shared_ptr<const ArrowFile> file;
    std::vector<uint32_t> starts;  // first row of each batch

    template <typename Number = int32_t>
    std::span<const Number> list(uint32_t row, Column column) const {
        const auto next = std::upper_bound(starts.begin(), starts.end(), row);
        const auto batch = static_cast<size_t>(next - starts.begin()) - 1;
        return file->list<Number>(batch, column, row - starts[batch]);
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
    m_state->path = path;
    m_state->report = file.metadata("dayrun_report");
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

std::span<const int32_t> TokenCache::tokens(uint32_t row) const {
    return m_state->list(row, kTokens);
}

std::span<const uint32_t> TokenCache::words(uint32_t row) const {
    return m_state->list<uint32_t>(row, kWords);
}

TokenizedSample TokenCache::read(uint32_t row, uint32_t source_index) const {
    TokenizedSample sample;
    sample.sample_id = sample_ids[row];
    sample.row_index = row_indices[row];
    sample.source_index = source_index;
    sample.truncated_tokens = truncated_counts[row];
    sample.lost_stop_token = lost_stop[row] != 0;
    const auto ids = tokens(row);
    sample.tokens.assign(ids.begin(), ids.end());
    const auto labels = m_state->list(row, kLabels);
    sample.labels.assign(labels.begin(), labels.end());
    if (!sample.labels.empty()) return sample;
    sample.labels.assign(ids.size(), kIgnoreLabel);
    const auto runs = m_state->list(row, kTrainedRuns);
    for (size_t i = 0; i + 1 < runs.size(); i += 2) {
        const size_t end = std::min(static_cast<size_t>(runs[i + 1]), ids.size());
        for (auto at = static_cast<size_t>(runs[i]); at < end; ++at) {
            sample.labels[at] = ids[at];
        }
    }
    return sample;
}

}  // namespace dayrun::core
