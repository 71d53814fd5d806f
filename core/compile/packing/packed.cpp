// Rows end to end on one token axis, with targets shifted inside each document. Neighbour: pack.cpp
// chose the rows. Any thread.
#include "core/compile/packing/packed.h"

#include <algorithm>

namespace dayrun::core {

int64_t TokenizedSample::target_token_count() const {
    int64_t count = 0;
    for (size_t i = 1; i < labels.size(); ++i) count += labels[i] != kIgnoreLabel ? 1 : 0;
    return count;
}

PackedBatch make_batch(const std::vector<PackedRow>& rows, int64_t slot_length,
                       uint64_t batch_index) {
    size_t total = 0;
    for (const PackedRow& row : rows) total += row.tokens.size();
    PackedBatch batch;
    batch.batch_index = batch_index;
    batch.tokens.reserve(total);
    batch.targets.assign(total, kIgnoreLabel);
    batch.position_ids.resize(total);
    batch.cu_seqlens.push_back(0);
    batch.row_starts.push_back(0);
    for (const PackedRow& row : rows) {
        const auto row_begin = static_cast<int32_t>(batch.tokens.size());
        batch.tokens.insert(batch.tokens.end(), row.tokens.begin(), row.tokens.end());
        for (const DocumentSpan& document : row.documents) {
            DocumentSpan span = document;
            span.begin += row_begin;
            span.end += row_begin;
            for (int32_t i = span.begin; i < span.end; ++i) {
                const auto at = static_cast<size_t>(i);
                batch.position_ids[at] = i - span.begin;
                // Labels are shifted here, once, so that no kernel and no loss knows of it.
                if (i + 1 < span.end) {
                    batch.targets[at] = row.labels[static_cast<size_t>(i + 1 - row_begin)];
                    batch.target_token_count += batch.targets[at] != kIgnoreLabel ? 1 : 0;
                }
            }
            batch.max_seqlen = std::max(batch.max_seqlen, span.end - span.begin);
            batch.cu_seqlens.push_back(span.end);
            batch.documents.push_back(span);
        }
        batch.row_starts.push_back(static_cast<int32_t>(batch.tokens.size()));
    }
    batch.slot_tokens = slot_length > 0 ? static_cast<int64_t>(rows.size()) * slot_length
                                        : static_cast<int64_t>(total);
    return batch;
}

}  // namespace dayrun::core
