// How many bytes a run needs, part by part, and the activation plan that makes it fit: from the
// shape, the recipe and the largest micro-batch alone. An estimate for a person, never a gate: only
// the rehearsal's measurement may refuse a run (promises.md row 28). On a CPU the parts are those
// that the engine counts, and agree with them within 3 %; on a device they are what lies there.
// Neighbours: model_memory.h, layer_memory.h, activation_plan.h. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/model/model_config.h"
#include "core/plan/memory/activation_plan.h"
#include "core/plan/memory/memory_part.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

struct PlannedPart {
    MemoryPart part = MemoryPart::Weights;
    std::string name;  // to_string(part)
    int64_t bytes = 0;
    std::string basis;  // how it was counted, one line
};

/// The largest micro-batch of training, or of a validation.
struct BatchExtent {
    int64_t tokens = 0;
    int64_t longest_document = 0;
    int64_t targets = 0;  // supervised next tokens
};
/// Every row full and every token trained: what nothing but the recipe says.
BatchExtent full_extent(const Recipe& recipe);

enum class PlanDevice { Cpu, Cuda };

struct MemoryInputs {
    PlanDevice device = PlanDevice::Cpu;
    BatchExtent train;
    BatchExtent eval;                         // no tokens: nothing is validated
    std::optional<int64_t> limit_bytes = {};  // the plan is chosen to stay below; empty: no limit
    std::optional<ActivationPlan> plan = {};  // a given plan instead of a chosen one
    std::optional<int64_t> overhead_bytes = {};  // measured; empty: left out on a CPU
    int64_t libtorch_bytes = 0;                  // in the host's memory, once a process
    int threads = 1;
};

struct MemoryEstimate {
    std::vector<PlannedPart> parts;  // in the order of MemoryPart; parts of no bytes are there too
    int64_t total_bytes = 0;
    int64_t host_bytes = 0;   // on a device: what lies in the host's memory instead
    int64_t state_bytes = 0;  // of the optimizer, wherever they lie
    int64_t trained_parameter_count = 0;
    int64_t parameter_count = 0;     // of the base
    int64_t micro_batch_tokens = 0;  // the largest micro-batch
    ActivationPlan plan;
    double recompute_ratio = 0;  // of a forward's work that is done again

    int64_t bytes_of(MemoryPart part) const { return parts[static_cast<size_t>(part)].bytes; }
};

/// BadRecipe when target_modules match nothing.
Result<MemoryEstimate> estimate_memory(const ModelConfig& config, const Recipe& recipe,
                                       const MemoryInputs& inputs);

}  // namespace dayrun::core
