// The encoded samples of one source in a memory-mapped Arrow file, keyed by everything that decides
// their bytes. Nothing of a damaged file is used: open() checks all that it reads (header, report,
// row numbers, hashes, counts and the borders of the lists) against one checksum in the footer, and
// each row's ids, labels and words have a checksum of their own, which is checked whenever they are
// read, in the thread that reads them; so opening a large cache reads no more than it must, and a
// file that is damaged while it is open is noticed too. Neighbours: data_compiler writes and
// chooses rows, the token lens reads these same bytes. A cache is read-only and shared: any thread;
// a writer belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/packing/packed.h"

namespace dayrun::core {

/// Why a cached row may not be used; Kept rows may.
enum class RowStatus : uint8_t { Kept, TooLong, FewTokens, ManyTokens };

/// One sample as it goes into a cache.
struct CacheRow {
    TokenizedSample sample;  // tokens empty unless status is Kept
    RowStatus status = RowStatus::Kept;
    uint64_t input_hash = 0;  // dedupe.h
    uint64_t full_hash = 0;
    uint64_t group_hash = 0;  // split.group_by
    int32_t truncated_target_tokens = 0;
    std::vector<uint32_t> words;  // words.h, also of a row that may not be used
};

class TokenCacheWriter {
  public:
    /// Writes beside `path` and moves the file there in finish(): a killed process leaves no cache.
    static Result<TokenCacheWriter> create(const std::filesystem::path& path,
                                           const std::string& key);
    TokenCacheWriter(TokenCacheWriter&&) noexcept;
    ~TokenCacheWriter();

    Result<void> add(const CacheRow& row);
    /// `report` travels in the file's footer and comes back from TokenCache::report().
    Result<void> finish(const std::string& report);

  private:
    struct State;
    explicit TokenCacheWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> m_state;
};

class TokenCache {
  public:
    /// FileMissing when there is none; FileDamaged when it is half-written, of another version or
    /// key, its columns do not hold together, or one was found to be damaged while it was read.
    /// Either way the caller builds it anew, and says so of a damaged one.
    static Result<std::shared_ptr<const TokenCache>> open(const std::filesystem::path& path,
                                                          const std::string& key);
    ~TokenCache();

    uint32_t row_count() const { return static_cast<uint32_t>(sample_ids.size()); }
    const std::string& report() const;
    const std::filesystem::path& path() const;

    /// FileDamaged when the row is not what was written. The file is set aside then, under its name
    /// and ".damaged", so that whoever opens this cache next builds it anew; what has it open may
    /// go on reading what is whole.
    Result<TokenizedSample> read(uint32_t row, uint32_t source_index) const;
    /// compared_words() of the row's sample, in the mapped file. Fails as read() does.
    Result<std::span<const uint32_t>> words(uint32_t row) const;
    /// Of the row's ids and labels, as they were written.
    uint64_t checksum(uint32_t row) const;
    /// Reads every row for its checksums alone. Fails as read() does.
    Result<void> check() const;
    /// Whether a row was found to be damaged.
    bool is_damaged() const;

    // One entry a row, copied out of the file once: the mix needs nothing else.
    std::vector<uint64_t> sample_ids, row_indices, input_hashes, full_hashes, group_hashes;
    std::vector<int32_t> token_counts, target_counts, truncated_counts, truncated_target_counts;
    std::vector<RowStatus> statuses;
    std::vector<uint8_t> lost_stop;

  private:
    struct State;
    TokenCache();
    /// A row's tokens, trained runs and labels.
    using Lists = std::array<std::span<const int32_t>, 3>;
    Result<Lists> lists(uint32_t row) const;
    Error damaged(uint32_t row) const;
    Result<void> load(const std::filesystem::path& path, const std::string& key);
    std::unique_ptr<State> m_state;
};

}  // namespace dayrun::core
