// The largest micro-batch that a run can meet: what the memory plan is made for and what the dress
// rehearsal runs. Neighbours: memory_estimate.h, core/run/rehearsal/rehearsal.h. Any thread.
#pragma once

#include "core/compile/cache/compiled_data.h"
#include "core/plan/memory/memory_estimate.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

struct LargestBatches {
    PackedBatch train;  // of all epochs, as far as they are looked through
    PackedBatch eval;   // empty when nothing is validated
    /// Epochs beyond those looked through are shuffled anew, so their rows may be a little larger.
    bool has_every_epoch = true;
};
/// FileDamaged when a token cache is.
Result<LargestBatches> find_largest_batches(const Recipe& recipe, const CompiledData& data);

BatchExtent extent_of(const PackedBatch& batch);

}  // namespace dayrun::core
