// What a token cache's file holds: its columns, and the checksums that bind them. Neighbours:
// token_cache_writer.cpp and token_cache.cpp, which alone include this. Plain values: any thread.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "core/base/checksum.h"
#include "core/compile/arrow_file/arrow_column.h"

namespace dayrun::core::cache_layout {

/// Layout or meaning of a column changed: older files are built anew.
inline constexpr std::string_view kVersion = "3";

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
    kRowChecksum,
    kWordsChecksum,
    kTokens,
    kTrainedRuns,
    kLabels,
    kWords
};

inline const ArrowColumns& columns() {
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
                                        {"row_checksum", ArrowKind::UInt64},
                                        {"words_checksum", ArrowKind::UInt64},
                                        {"tokens", ArrowKind::Int32List},
                                        {"trained_runs", ArrowKind::Int32List},
                                        {"labels", ArrowKind::Int32List},
                                        {"words", ArrowKind::UInt32List}};
    return s_columns;
}

/// Of a row's tokens, trained runs and labels, or of its words.
template <typename Number, size_t Count>
uint64_t checksum_of(const std::array<std::span<const Number>, Count>& lists) {
    Checksum sum;
    for (const auto& list : lists) sum.add(std::as_bytes(list));
    return sum.value();
}

/// Of the footer's report and of everything that the batches hold outside their lists.
class FileChecksum {
  public:
    void add_batch(uint64_t checksum) { m_sum.add(std::as_bytes(std::span(&checksum, 1))); }
    /// The footer's word.
    std::string with(const std::string& report) const {
        Checksum sum = m_sum;
        sum.add(report);
        return sum.hex();
    }

  private:
    Checksum m_sum;
};

/// Where a cache goes that was found to be damaged.
inline std::filesystem::path set_aside(const std::filesystem::path& path) {
    return path.string() + ".damaged";
}

}  // namespace dayrun::core::cache_layout
