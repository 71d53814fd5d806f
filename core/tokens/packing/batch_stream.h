// Hands the trainer one micro-batch after the other, packed ahead of time by a data thread of its
// own. Neighbour: data_compiler.h plans the epochs. Owned by the run thread: next() and the
// destructor there; the data thread only reads CompiledData.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/result.h"
#include "core/tokens/cache/data_compiler.h"
#include "core/tokens/packing/packed.h"

namespace dayrun::core {

/// A micro-batch and where it stands in the run.
struct StreamedBatch {
    PackedBatch batch;           // batch.batch_index counts from the run's start
    int64_t epoch = 0;           // from 0
    int64_t batch_in_epoch = 0;  // from 0
    int64_t batches_in_epoch = 0;
    bool is_last_of_epoch() const { return batch_in_epoch + 1 == batches_in_epoch; }
};

/// Endless: after an epoch comes the next, reshuffled by (seed, epoch). At most four batches wait.
class BatchStream {
  public:
    /// `start_position` = batch_index of the first batch to hand out (0, or a checkpoint's).
    explicit BatchStream(std::shared_ptr<const CompiledData> data, uint64_t start_position = 0);
    ~BatchStream();
    BatchStream(const BatchStream&) = delete;
    BatchStream& operator=(const BatchStream&) = delete;

    /// Waits for the next micro-batch. BadData when there is no training row at all.
    Result<StreamedBatch> next();
    /// Milliseconds next() has waited so far: the data thread was too slow for so long.
    double data_wait_ms() const;

  private:
    struct Shared;
    std::unique_ptr<Shared> m_shared;
};

}  // namespace dayrun::core
