// What a run holds whatever its batches are: weights, what is trained, gradients and states, to the
// byte as the engine asks for them. Neighbours: memory_estimate.h adds what a micro-batch needs;
// core/engine/model makes the same tensors. Plain values: any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/model/model_config.h"
#include "core/plan/memory/layer_memory.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

struct ModelMemory {
    int64_t value_bytes = 4;  // of a computed value: 4 or 2
    int64_t weight_bytes = 0;
    int64_t constant_bytes = 0;  // of the quantization
    int64_t adapter_bytes = 0;   // masters and compute copies
    int64_t gradient_bytes = 0;
    int64_t state_bytes = 0;     // of the optimizer
    int64_t largest_linear = 0;  // elements of the largest quantized weight; 0 without
    int64_t parameter_count = 0;
    int64_t trained_count = 0;
    int64_t adapted_modules = 0;
    std::vector<LayerShape> layers;
    int64_t lowest_layer = 0;  // the lowest with something trained; the layers below keep nothing
    bool is_quantized = false;
    bool is_full = false;
    bool is_dora = false;
};

/// BadRecipe when target_modules match nothing; errors of adapter.init_from's files.
/// `value_bytes` of base.dtype auto: the config's torch_dtype on a CPU, 2 on a device.
Result<ModelMemory> model_memory(const ModelConfig& config, const Recipe& recipe, bool is_device);

}  // namespace dayrun::core
