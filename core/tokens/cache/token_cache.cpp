// Arrow IPC file with one row a sample: tokens as a list, trained stretches as begin/end pairs (the
// label of a trained position is the token itself; a token_ids row whose labels say otherwise
// stores them whole). Neighbour: token_cache.h. Atomic by rename, checked by version and key.
#include "core/tokens/cache/token_cache.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "core/base/atomic_file.h"

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

std::shared_ptr<arrow::Schema> make_schema() {
    const auto ids = arrow::list(arrow::field("item", arrow::int32(), false));
    const auto words = arrow::list(arrow::field("item", arrow::uint32(), false));
    return arrow::schema(
        {arrow::field("sample_id", arrow::uint64(), false),
         arrow::field("row_index", arrow::uint64(), false),
         arrow::field("input_hash", arrow::uint64(), false),
         arrow::field("full_hash", arrow::uint64(), false),
         arrow::field("group_hash", arrow::uint64(), false),
         arrow::field("token_count", arrow::int32(), false),
         arrow::field("target_count", arrow::int32(), false),
         arrow::field("truncated_tokens", arrow::int32(), false),
         arrow::field("truncated_target_tokens", arrow::int32(), false),
         arrow::field("status", arrow::uint8(), false),
         arrow::field("lost_stop_token", arrow::uint8(), false), arrow::field("tokens", ids, false),
         arrow::field("trained_runs", ids, false), arrow::field("labels", ids, false),
         arrow::field("words", words, false)});
}

Error cannot_write(const fs::path& path, const arrow::Status& status) {
    return {.code = ErrorCode::DiskFull,
            .message = fmt::format("Cannot write the token cache {}.", path.string()),
            .hint = "Make room on the disk or give another project folder.",
            .detail = status.ToString()};
}

Error unusable(const fs::path& path, std::string why) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("The token cache {} {}.", path.string(), why),
            .hint = "It is built anew."};
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

/// What writers that were killed left behind: their process is gone.
void remove_leftovers(const fs::path& path) {
    std::error_code error;
    const std::string begin = path.filename().string() + ".tmp-";
    for (const auto& entry : fs::directory_iterator(path.parent_path(), error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(begin)) continue;
        const int process = std::atoi(name.c_str() + begin.size());
        const bool is_gone = process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
        std::error_code ignored;
        if (is_gone) fs::remove(entry.path(), ignored);
    }
}

}  // namespace

struct TokenCacheWriter::State {
    fs::path path, temporary;
    std::shared_ptr<arrow::Schema> schema = make_schema();
    std::shared_ptr<arrow::KeyValueMetadata> metadata;
    std::shared_ptr<arrow::io::FileOutputStream> file;
    std::shared_ptr<arrow::ipc::RecordBatchWriter> writer;
    std::unique_ptr<arrow::RecordBatchBuilder> builder;
    int64_t rows = 0;    // in the builder
    int64_t tokens = 0;  // of those rows
    bool is_finished = false;

    ~State() {
        if (is_finished) return;
        if (file) (void)file->Close();
        std::error_code ignored;
        fs::remove(temporary, ignored);
    }

    arrow::Status flush() {
        if (rows == 0) return arrow::Status::OK();
        rows = tokens = 0;
        ARROW_ASSIGN_OR_RAISE(auto batch, builder->Flush());
        return writer->WriteRecordBatch(*batch);
    }

    template <typename Builder = arrow::Int32Builder, typename Number>
    arrow::Status append_list(int column, const std::vector<Number>& values) {
        auto* const list = builder->GetFieldAs<arrow::ListBuilder>(column);
        ARROW_RETURN_NOT_OK(list->Append());
        return static_cast<Builder*>(list->value_builder())
            ->AppendValues(values.data(), static_cast<int64_t>(values.size()));
    }

    arrow::Status append(const CacheRow& row) {
        const TokenizedSample& sample = row.sample;
        const auto number = [&](Column column, uint64_t value) {
            return builder->GetFieldAs<arrow::UInt64Builder>(column)->Append(value);
        };
        const auto count = [&](Column column, int64_t value) {
            return builder->GetFieldAs<arrow::Int32Builder>(column)->Append(
                static_cast<int32_t>(value));
        };
        const auto small = [&](Column column, uint8_t value) {
            return builder->GetFieldAs<arrow::UInt8Builder>(column)->Append(value);
        };
        ARROW_RETURN_NOT_OK(number(kSampleId, sample.sample_id));
        ARROW_RETURN_NOT_OK(number(kRowIndex, sample.row_index));
        ARROW_RETURN_NOT_OK(number(kInputHash, row.input_hash));
        ARROW_RETURN_NOT_OK(number(kFullHash, row.full_hash));
        ARROW_RETURN_NOT_OK(number(kGroupHash, row.group_hash));
        ARROW_RETURN_NOT_OK(count(kTokenCount, static_cast<int64_t>(sample.tokens.size())));
        ARROW_RETURN_NOT_OK(count(kTargetCount, sample.target_token_count()));
        ARROW_RETURN_NOT_OK(count(kTruncated, sample.truncated_tokens));
        ARROW_RETURN_NOT_OK(count(kTruncatedTargets, row.truncated_target_tokens));
        ARROW_RETURN_NOT_OK(small(kStatus, static_cast<uint8_t>(row.status)));
        ARROW_RETURN_NOT_OK(small(kLostStop, sample.lost_stop_token ? 1 : 0));
        const bool is_kept = row.status == RowStatus::Kept;
        const bool is_plain = labels_are_tokens(sample);
        const std::vector<int32_t> nothing;
        ARROW_RETURN_NOT_OK(append_list(kTokens, is_kept ? sample.tokens : nothing));
        ARROW_RETURN_NOT_OK(
            append_list(kTrainedRuns, is_kept ? trained_runs(sample.labels) : nothing));
        ARROW_RETURN_NOT_OK(append_list(kLabels, is_kept && !is_plain ? sample.labels : nothing));
        return append_list<arrow::UInt32Builder>(kWords, row.words);
    }
};

TokenCacheWriter::TokenCacheWriter(std::unique_ptr<State> state) : m_state(std::move(state)) {}
TokenCacheWriter::TokenCacheWriter(TokenCacheWriter&&) noexcept = default;
TokenCacheWriter::~TokenCacheWriter() = default;

Result<TokenCacheWriter> TokenCacheWriter::create(const fs::path& path, const std::string& key) {
    TRY_VOID(ensure_folder(path.parent_path()));
    remove_leftovers(path);
    auto state = std::make_unique<State>();
    state->path = path;
    // The number keeps two threads of one process apart: the window estimates while a run compiles.
    static std::atomic<uint64_t> s_writers{0};
    state->temporary = fmt::format("{}.tmp-{}-{}", path.string(), ::getpid(), s_writers++);
    state->metadata =
        arrow::key_value_metadata({{"dayrun_version", std::string(kVersion)}, {"dayrun_key", key}});
    auto file = arrow::io::FileOutputStream::Open(state->temporary.string());
    if (!file.ok()) return cannot_write(path, file.status());
    state->file = *file;
    auto writer = arrow::ipc::MakeFileWriter(
        state->file, state->schema, arrow::ipc::IpcWriteOptions::Defaults(), state->metadata);
    if (!writer.ok()) return cannot_write(path, writer.status());
    state->writer = *writer;
    auto builder = arrow::RecordBatchBuilder::Make(state->schema, arrow::default_memory_pool());
    if (!builder.ok()) return cannot_write(path, builder.status());
    state->builder = std::move(*builder);
    return TokenCacheWriter(std::move(state));
}

Result<void> TokenCacheWriter::add(const CacheRow& row) {
    arrow::Status status = m_state->append(row);
    m_state->rows += 1;
    m_state->tokens += static_cast<int64_t>(std::max(row.sample.tokens.size(), row.words.size()));
    const bool is_full = m_state->rows >= kRowsPerBatch || m_state->tokens >= kTokensPerBatch;
    if (status.ok() && is_full) status = m_state->flush();
    if (!status.ok()) return cannot_write(m_state->path, status);
    return {};
}

Result<void> TokenCacheWriter::finish(const std::string& report) {
    arrow::Status status = m_state->flush();
    // The footer is written by Close, so the report still gets into it.
    m_state->metadata->Append("dayrun_report", report);
    if (status.ok()) status = m_state->writer->Close();
    if (status.ok()) status = m_state->file->Close();
    if (!status.ok()) return cannot_write(m_state->path, status);
    const int descriptor = ::open(m_state->temporary.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        ::fsync(descriptor);
        ::close(descriptor);
    }
    std::error_code error;
    fs::rename(m_state->temporary, m_state->path, error);
    if (error) return cannot_write(m_state->path, arrow::Status::IOError(error.message()));
    m_state->is_finished = true;
    return {};
}

struct TokenCache::State {
    fs::path path;
    std::string report;
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;  // point into the mapped file
    std::vector<uint32_t> starts;                              // first row of each batch

    struct Place {
        const arrow::RecordBatch* batch;
        int64_t row;
    };
    Place find(uint32_t row) const {
        const auto next = std::upper_bound(starts.begin(), starts.end(), row);
        const auto index = static_cast<size_t>(next - starts.begin()) - 1;
        return {batches[index].get(), row - starts[index]};
    }
    template <typename Values = arrow::Int32Array>
    std::span<const typename Values::value_type> list(uint32_t row, Column column) const {
        const Place place = find(row);
        const auto& lists = static_cast<const arrow::ListArray&>(*place.batch->column(column));
        const auto& values = static_cast<const Values&>(*lists.values());
        const auto begin = lists.value_offset(place.row);
        return {values.raw_values() + begin, static_cast<size_t>(lists.value_length(place.row))};
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

template <typename ArrayType, typename Out>
void copy_column(const arrow::RecordBatch& batch, Column column, std::vector<Out>& out) {
    const auto& array = static_cast<const ArrayType&>(*batch.column(column));
    for (int64_t i = 0; i < array.length(); ++i) out.push_back(static_cast<Out>(array.Value(i)));
}

}  // namespace

Result<void> TokenCache::load(const fs::path& path, const std::string& key) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
        return Error{.code = ErrorCode::FileMissing,
                     .message = fmt::format("There is no token cache {}.", path.string())};
    }
    auto file = arrow::io::MemoryMappedFile::Open(path.string(), arrow::io::FileMode::READ);
    if (!file.ok()) return unusable(path, "cannot be opened");
    auto opened = arrow::ipc::RecordBatchFileReader::Open(*file);
    if (!opened.ok()) return unusable(path, "is damaged or half-written");
    const auto reader = *opened;
    const auto metadata = reader->metadata();
    const auto value = [&](const char* name) {
        return metadata ? metadata->Get(name).ValueOr("") : std::string();
    };
    if (value("dayrun_version") != kVersion) return unusable(path, "is of another version");
    if (value("dayrun_key") != key) return unusable(path, "was made from other data or settings");
    if (!reader->schema()->Equals(make_schema(), false)) return unusable(path, "has other columns");
    m_state->path = path;
    m_state->report = value("dayrun_report");
    for (int i = 0; i < reader->num_record_batches(); ++i) {
        auto read = reader->ReadRecordBatch(i);
        if (!read.ok() || !(*read)->ValidateFull().ok()) return unusable(path, "is damaged");
        const std::shared_ptr<arrow::RecordBatch> batch = *read;
        m_state->starts.push_back(row_count());
        m_state->batches.push_back(batch);
        copy_column<arrow::UInt64Array>(*batch, kSampleId, sample_ids);
        copy_column<arrow::UInt64Array>(*batch, kRowIndex, row_indices);
        copy_column<arrow::UInt64Array>(*batch, kInputHash, input_hashes);
        copy_column<arrow::UInt64Array>(*batch, kFullHash, full_hashes);
        copy_column<arrow::UInt64Array>(*batch, kGroupHash, group_hashes);
        copy_column<arrow::Int32Array>(*batch, kTokenCount, token_counts);
        copy_column<arrow::Int32Array>(*batch, kTargetCount, target_counts);
        copy_column<arrow::Int32Array>(*batch, kTruncated, truncated_counts);
        copy_column<arrow::Int32Array>(*batch, kTruncatedTargets, truncated_target_counts);
        copy_column<arrow::UInt8Array>(*batch, kStatus, statuses);
        copy_column<arrow::UInt8Array>(*batch, kLostStop, lost_stop);
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
    return m_state->list<arrow::UInt32Array>(row, kWords);
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
