// Looks through the epochs' plans, which know lengths without reading tokens. Neighbour:
// largest_batch.h.
#include "core/plan/memory/largest_batch.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dayrun::core {

namespace {

// Documents whose places are looked at: a second or two of work.
constexpr int64_t kDocumentsLookedAt = 4'000'000;

}  // namespace

BatchExtent extent_of(const PackedBatch& batch) {
    return {static_cast<int64_t>(batch.tokens.size()), batch.max_seqlen, batch.target_token_count};
}

Result<LargestBatches> find_largest_batches(const Recipe& recipe, const CompiledData& data) {
    LargestBatches largest;
    const auto epochs = static_cast<int64_t>(std::ceil(recipe.batch.epochs));
    const auto size = static_cast<size_t>(data.micro_batch_size());
    int64_t most = -1, looked_at = 0;
    for (int64_t epoch = 0; epoch < std::max<int64_t>(epochs, 1); ++epoch) {
        if (looked_at > kDocumentsLookedAt) {
            largest.has_every_epoch = false;
            break;
        }
        const EpochPlan plan = data.plan_epoch(epoch);
        looked_at += static_cast<int64_t>(plan.samples.size());
        for (size_t first = 0; first < plan.rows.size(); first += size) {
            const size_t last = std::min(first + size, plan.rows.size());
            int64_t tokens = 0;
            for (size_t row = first; row < last; ++row) tokens += data.row_tokens(plan, row);
            if (tokens <= most) continue;
            most = tokens;
            std::vector<PackedRow> rows;
            for (size_t row = first; row < last; ++row) {
                TRY(packed, data.read_row(plan, row));
                rows.push_back(std::move(packed));
            }
            largest.train = make_batch(rows, data.slot_length());
        }
    }
    TRY(validation, data.validation_batches(recipe.eval.rows.value_or(0)));
    for (PackedBatch& batch : validation) {
        if (batch.target_token_count == 0) continue;
        if (batch.tokens.size() > largest.eval.tokens.size()) largest.eval = std::move(batch);
    }
    return largest;
}

}  // namespace dayrun::core
