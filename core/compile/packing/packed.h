// Token ids on their way to the device. One token axis: a packed row is whole documents end to end,
// a micro-batch is its rows end to end; there is no padding anywhere. Plain values: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dayrun::core {

/// Label of a position whose next token is not trained (the field's usual -100).
inline constexpr int32_t kIgnoreLabel = -100;

/// A sample as ids. labels[i] is the trained id at position i itself (unshifted), or kIgnoreLabel.
struct TokenizedSample {
    uint64_t sample_id = 0;
    uint32_t source_index = 0;
    uint64_t row_index = 0;
    std::vector<int32_t> tokens;
    std::vector<int32_t> labels;
    int64_t truncated_tokens = 0;  // cut by too_long
    bool lost_stop_token = false;  // the cut took the trained stop token away
    /// Labels that can be predicted: every trained position but the first of the document.
    int64_t target_token_count() const;
};

/// One document inside a row, for the token lens and for loss by source.
struct DocumentSpan {
    uint64_t sample_id = 0;
    uint32_t source_index = 0;
    int32_t begin = 0;  // first token in the row
    int32_t end = 0;    // one past the last
};

/// Whole documents end to end, at most tokens.max_seq_len together.
struct PackedRow {
    std::vector<int32_t> tokens;          // [T]
    std::vector<int32_t> labels;          // [T], unshifted
    std::vector<DocumentSpan> documents;  // in order, covering [0, T)
    int64_t target_token_count = 0;
};

/// The rows of one micro-batch end to end.
struct PackedBatch {
    std::vector<int32_t> tokens;  // [T_total]
    // Next-token targets: targets[t] = label of position t+1 of the same document, else -100.
    std::vector<int32_t> targets;       // [T_total]
    std::vector<int32_t> position_ids;  // [T_total], restart at 0 in every document
    std::vector<int32_t> cu_seqlens;    // [documents + 1], prefix sums over all documents
    std::vector<int32_t> row_starts;    // [rows + 1], prefix sums over rows (NEFTune's row length)
    std::vector<DocumentSpan> documents;  // spans on the batch's axis
    int32_t max_seqlen = 0;               // the longest document
    int64_t target_token_count = 0;       // targets that are not -100
    int64_t slot_tokens = 0;              // rows * max_seq_len when packing, else T_total
    uint64_t batch_index = 0;             // micro-batches handed out since the run's start
};

/// Lays rows end to end. `slot_length` is max_seq_len when packing, 0 without packing.
PackedBatch make_batch(const std::vector<PackedRow>& rows, int64_t slot_length,
                       uint64_t batch_index = 0);

}  // namespace dayrun::core
