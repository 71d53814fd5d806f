// How many bytes a run needs, part by part, from the shape and the recipe alone. An estimate for a
// person, never a gate: only the rehearsal's measurement may refuse a run (promises.md row 28).
// Formulas: the usual counts of a decoder with adapters and a frozen base. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/model_config.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

struct PlannedPart {
    std::string name;  // weights, adapters, gradients, optimizer, activations, logits, buffers
    int64_t bytes = 0;
    std::string basis;  // how it was counted, one line
};

struct MemoryEstimate {
    std::vector<PlannedPart> parts;  // always all seven, in this order
    int64_t total_bytes = 0;
    int64_t trained_parameter_count = 0;
    int64_t parameter_count = 0;     // of the base
    int64_t micro_batch_tokens = 0;  // the largest micro-batch assumed
};

/// `bytes_per_weight` of the stored base: 4 or 2 (dtype auto: the config's torch_dtype).
/// BadRecipe when target_modules match nothing.
Result<MemoryEstimate> estimate_memory(const ModelConfig& config, const Recipe& recipe);

}  // namespace dayrun::core
