// Staging. Neighbour: staged_batch.h.
#include "core/engine/device/staged_batch.h"

#include <numeric>

#include "core/engine/device/accelerator.h"

namespace dayrun::engine {

void begin_stage() {
    if (Accelerator* const device = accelerator()) device->next_stage();
}

const int32_t* stage(const std::vector<int32_t>& values) {
    Accelerator* const device = accelerator();
    if (device == nullptr) return values.data();
    return device->stage(values.data(), static_cast<int64_t>(values.size()));
}

StagedBatch stage_batch(const core::PackedBatch& batch) {
    begin_stage();
    return {.tokens = static_cast<int64_t>(batch.tokens.size()),
            .token_ids = stage(batch.tokens),
            .position_ids = stage(batch.position_ids),
            .documents = {batch.cu_seqlens, stage(batch.cu_seqlens), batch.max_seqlen},
            .batch = &batch};
}

StagedTargets::StagedTargets(const std::vector<int32_t>& targets) {
    m_host_sources.assign(targets.size(), -1);
    for (size_t i = 0; i < targets.size(); ++i) {
        if (targets[i] == core::kIgnoreLabel) continue;
        m_host_sources[i] = static_cast<int32_t>(m_host_rows.size());
        m_host_rows.push_back(static_cast<int32_t>(i));
        m_host_labels.push_back(targets[i]);
    }
    m_count = static_cast<int64_t>(m_host_rows.size());
    m_rows = stage(m_host_rows);
    m_labels = stage(m_host_labels);
    m_sources = stage(m_host_sources);
}

StagedTargets StagedTargets::rows_only(int64_t begin, int64_t count) {
    StagedTargets made;
    made.m_host_rows.resize(static_cast<size_t>(count));
    std::iota(made.m_host_rows.begin(), made.m_host_rows.end(), static_cast<int32_t>(begin));
    made.m_count = count;
    made.m_rows = stage(made.m_host_rows);
    return made;
}

}  // namespace dayrun::engine
