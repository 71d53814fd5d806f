// Which tensors a family's checkpoint holds, under which names and shapes, and which linear modules
// an adapter may target. One table row per weight: the only place that knows families' names.
// Plain values: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/model/model_config.h"

namespace dayrun::core {

/// The linear modules of one decoder layer, in forward order. Qkv is Qwen 1's fused c_attn.
enum class LinearRole { Q, K, V, Qkv, O, Gate, Up, Down };

struct LinearInfo {
    LinearRole role;
    std::string module;  // "model.layers.0.self_attn.q_proj"
    int64_t out_features = 0;
    int64_t in_features = 0;
    bool has_bias = false;  // MODULE.bias beside MODULE.weight
};

struct LayerNames {
    std::string input_norm;  // tensor names with ".weight"
    std::string post_attention_norm;
    std::string q_norm, k_norm;  // empty without query and key norms
    std::vector<LinearInfo> linears;
};

struct WeightMap {
    std::string embed_tokens;  // tensor names
    std::string final_norm;
    std::string lm_head;  // empty when tied to embed_tokens
    std::vector<LayerNames> layers;

    /// All linear modules that can carry an adapter (never the head), in model order.
    std::vector<const LinearInfo*> linears() const;
};

WeightMap make_weight_map(const ModelConfig& config);

/// A tensor the checkpoint must hold.
struct WeightInfo {
    std::string name;
    std::vector<int64_t> shape;
};

/// Every tensor of the model in model order, for checks, counts and writing a checkpoint.
std::vector<WeightInfo> weights_of(const ModelConfig& config, const WeightMap& map);

/// Parameters of the base: all weights, and those in the layers' matrix products.
int64_t parameter_count(const ModelConfig& config);
int64_t linear_parameter_count(const ModelConfig& config);

/// The modules that `targets` selects: PEFT's suffix rule for a list, `all-linear` or a regular
/// expression (full match) for one string. BadRecipe lists the names there are when a name, or
/// the whole, matches nothing.
Result<std::vector<const LinearInfo*>> match_target_modules(
    const WeightMap& map, const std::variant<std::vector<std::string>, std::string>& targets);

}  // namespace dayrun::core
