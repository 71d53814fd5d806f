// Rows into an Arrow IPC file: tokens as a list, trained stretches as begin/end pairs (the label of
// a trained position is the token itself; a token_ids row whose labels say otherwise stores them
// whole), and the checksums of both. Neighbours: token_cache.h, token_cache.cpp reads. Atomic by
// rename.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/atomic_file.h"
#include "core/base/temporary.h"
#include "core/compile/arrow_file/arrow_writer.h"
#include "core/compile/cache/cache_layout.h"
#include "core/compile/cache/token_cache.h"

namespace dayrun::core {
namespace {

using namespace cache_layout;
namespace fs = std::filesystem;

constexpr int64_t kRowsPerBatch = 8192;
constexpr int64_t kTokensPerBatch = int64_t{1} << 22;  // what a writer holds

Error cannot_write(const fs::path& path, std::string why) {
    return {.code = ErrorCode::DiskFull,
            .message = fmt::format("Cannot write the token cache {}.", path.string()),
            .hint = "Make room on the disk or give another project folder.",
            .detail = std::move(why)};
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
    FileChecksum checksum = {};
    int64_t tokens = 0;  // of the batch's rows

    Result<void> flush() {
        if (batch.rows() == 0) return {};
        const auto written = writer.write(batch);
        checksum.add_batch(batch.checksum());
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
        std::vector<int32_t> runs;
        std::array<std::span<const int32_t>, 3> lists;  // none of a row that may not be used
        if (is_kept) {
            runs = trained_runs(sample.labels);
            lists = {sample.tokens, runs, {}};
            if (!is_plain) lists[2] = sample.labels;
        }
        const std::array words{std::span<const uint32_t>(row.words)};
        batch.add<uint64_t>(kRowChecksum, checksum_of(lists));
        batch.add<uint64_t>(kWordsChecksum, checksum_of(words));
        batch.add_list<int32_t>(kTokens, lists[0]);
        batch.add_list<int32_t>(kTrainedRuns, lists[1]);
        batch.add_list<int32_t>(kLabels, lists[2]);
        batch.add_list<uint32_t>(kWords, words[0]);
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
    const auto closed =
        m_state->writer.finish({{"dayrun_version", std::string(kVersion)},
                                {"dayrun_key", m_state->key},
                                {"dayrun_report", report},
                                {"dayrun_checksum", m_state->checksum.with(report)}});
    if (!closed.ok()) return cannot_write(m_state->path, closed.error().detail);
    TRY_VOID(m_state->temporary.put_in_place());
    std::error_code ignored;
    fs::remove(set_aside(m_state->path), ignored);
    return {};
}

}  // namespace dayrun::core
