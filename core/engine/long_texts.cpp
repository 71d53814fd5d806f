// Cutting a batch into its documents. Neighbour: long_texts.h.
#include "core/engine/long_texts.h"

#include <algorithm>

#include "core/engine/decoder/rope_table.h"

namespace dayrun::engine {
namespace {

core::PackedBatch document_of(const core::PackedBatch& batch, size_t index) {
    const auto begin = batch.cu_seqlens[index], end = batch.cu_seqlens[index + 1];
    const auto cut = [&](const std::vector<int32_t>& values) {
        return std::vector<int32_t>(values.begin() + begin, values.begin() + end);
    };
    core::PackedBatch made;
    made.tokens = cut(batch.tokens);
    made.targets = cut(batch.targets);
    made.position_ids = cut(batch.position_ids);
    made.cu_seqlens = made.row_starts = {0, end - begin};
    made.max_seqlen = end - begin;
    made.slot_tokens = end - begin;
    made.target_token_count =
        end - begin - std::count(made.targets.begin(), made.targets.end(), core::kIgnoreLabel);
    made.batch_index = batch.batch_index;
    return made;
}

}  // namespace

bool has_own_rope(const core::ModelConfig& config, int64_t length) {
    return dynamic_ntk_alpha(config, length) != 1 || logn_scale(config, length - 1) != 1;
}

std::vector<core::PackedBatch> own_rope_parts(const core::ModelConfig& config,
                                              const core::PackedBatch& batch) {
    std::vector<core::PackedBatch> parts;
    if (!has_own_rope(config, batch.max_seqlen)) return parts;
    for (size_t i = 0; i + 1 < batch.cu_seqlens.size(); ++i) {
        if (batch.cu_seqlens[i + 1] > batch.cu_seqlens[i]) parts.push_back(document_of(batch, i));
    }
    return parts;
}

}  // namespace dayrun::engine
