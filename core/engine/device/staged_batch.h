// A micro-batch's small arrays where kernels read them: on a CPU the batch's own, on a device a
// copy that was put there once, ahead of its use. Made once per micro-batch; forward, backward and
// loss read the same copy. Neighbours: accelerator.h stages, decoder/ and loss.h read.
// Lives on the run thread; torch-free.
#pragma once

#include <vector>

#include "core/compile/packing/packed.h"
#include "core/engine/attention.h"

namespace dayrun::engine {

/// From here on arrays are staged for the next micro-batch. On a CPU nothing happens.
void begin_stage();
/// A small array where kernels read it; on a CPU the array itself.
const int32_t* stage(const std::vector<int32_t>& values);

/// Valid as long as its batch.
struct StagedBatch {
    int64_t tokens = 0;
    const int32_t* token_ids = nullptr;     // [T]
    const int32_t* position_ids = nullptr;  // [T]
    Documents documents;
    const core::PackedBatch* batch = nullptr;  // on the host
};
StagedBatch stage_batch(const core::PackedBatch& batch);

/// The rows that have a target, and what they predict.
class StagedTargets {
  public:
    /// `targets` [T] with core::kIgnoreLabel where nothing is predicted.
    explicit StagedTargets(const std::vector<int32_t>& targets);
    /// All of these rows, without labels: for logits.
    static StagedTargets rows_only(int64_t begin, int64_t count);

    int64_t count() const { return m_count; }
    const int32_t* rows() const { return m_rows; }        // [count], rising
    const int32_t* labels() const { return m_labels; }    // [count]
    const int32_t* sources() const { return m_sources; }  // [T]: place in rows(), or -1

  private:
    StagedTargets() = default;

    std::vector<int32_t> m_host_rows, m_host_labels, m_host_sources;
    int64_t m_count = 0;
    const int32_t* m_rows = nullptr;
    const int32_t* m_labels = nullptr;
    const int32_t* m_sources = nullptr;
};

}  // namespace dayrun::engine
