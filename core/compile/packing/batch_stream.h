// Hands the trainer one micro-batch after the other, packed ahead of time by a data thread of its
// own, which checks each row as it reads it. Neighbour: data_compiler.h plans the epochs. Owned by
// the run thread: next() and the destructor there; the data thread only reads CompiledData.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/base/result.h"
#include "core/compile/cache/compiled_data.h"
#include "core/compile/packing/packed.h"

namespace dayrun::core {

/// A micro-batch and where it stands in the run.
struct StreamedBatch {
    PackedBatch batch;           // batch.batch_index counts from the run's start
    int64_t epoch = 0;           // from 0
    int64_t batch_in_epoch = 0;  // from 0
    int64_t batches_in_epoch = 0;
    bool is_last_of_epoch() const { return batch_in_epoch + 1 == batches_in_epoch; }
};

/// The same data once more, its damaged cache built anew; called on the run thread.
using DataMender = std::function<Result<std::shared_ptr<const CompiledData>>(const Error& damage)>;

/// Endless: after an epoch comes the next, reshuffled by (seed, epoch). At most four batches wait.
class BatchStream {
  public:
    /// `start_position` = batch_index of the first batch to hand out (0, or a checkpoint's).
    /// Where a row turns out damaged, the stream goes on with what `mend` gives, if there is one.
    explicit BatchStream(std::shared_ptr<const CompiledData> data, uint64_t start_position = 0,
                         DataMender mend = {});
    ~BatchStream();
    BatchStream(const BatchStream&) = delete;
    BatchStream& operator=(const BatchStream&) = delete;

    /// Waits for the next micro-batch. BadData when there is no training row at all, FileDamaged
    /// when a row is damaged, or what `mend` failed with.
    Result<StreamedBatch> next();
    /// Milliseconds next() has waited so far: the data thread was too slow for so long.
    double data_wait_ms() const;

  private:
    struct Shared;
    Result<StreamedBatch> take();

    std::unique_ptr<Shared> m_shared;
    DataMender m_mend;
    uint64_t m_position = 0;  // of the next batch
    double m_wait_ms = 0;
};

}  // namespace dayrun::core
