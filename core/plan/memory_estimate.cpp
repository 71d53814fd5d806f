// The bytes of each part (the usual cost model of a decoder). Neighbour: preflight.cpp shows them.
#include "core/plan/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/units.h"
#include "core/model/weight_map.h"

namespace dayrun::core {

namespace {

// Positions whose logits exist at once, and rows of a frozen weight converted at once.
constexpr int64_t kLogitsChunk = 1024;

int64_t bytes_per_value(const ModelConfig& config, const Recipe& recipe) {
    switch (recipe.base.dtype) {
        case DtypeChoice::Float32:
            return 4;
        case DtypeChoice::BFloat16:
            return 2;
        case DtypeChoice::Auto:
            break;
    }
    return config.torch_dtype == "float32" || config.torch_dtype.empty() ? 4 : 2;
}

// Parameters that the adapter adds: r * (in + out) a module, and one row for DoRA.
int64_t adapter_parameters(const AdapterSpec& adapter,
                           const std::vector<const LinearInfo*>& chosen) {
    int64_t count = 0;
    for (const LinearInfo* linear : chosen) {
        count += adapter.lora_rank * (linear->in_features + linear->out_features);
        if (adapter.method == AdapterMethod::Dora) count += linear->out_features;
    }
    return count;
}

int64_t weight_bytes(const ModelConfig& config, const Recipe& recipe, int64_t value_bytes) {
    const int64_t linear = linear_parameter_count(config);
    const int64_t other = parameter_count(config) - linear;
    if (recipe.quantization.base == BaseQuantization::None) {
        return value_bytes * (linear + other);
    }
    // Half a byte a weight, plus one absmax a block: 4 bytes, or 1 and a 256th of 4 when nested.
    const double block = recipe.quantization.block_size;
    const double scale = recipe.quantization.double_quant ? 1.0 + 4.0 / 256.0 : 4.0;
    return static_cast<int64_t>(static_cast<double>(linear) * (0.5 + scale / block)) +
           value_bytes * other;
}

// Tokens in the largest micro-batch: every row full.
int64_t micro_batch_tokens(const Recipe& recipe) {
    const int64_t row = recipe.tokens.packing ? recipe.tokens.max_seq_len : recipe.sample_limit();
    return row * recipe.batch.micro_batch_size;
}

// What one layer's backward needs beside its input: norms, q, k, v, attention, gate, up, products.
int64_t layer_values_per_token(const ModelConfig& config) {
    return 5 * config.hidden_size + 2 * config.q_size() + 2 * config.kv_size() +
           4 * config.intermediate_size;
}

int64_t activation_bytes(const ModelConfig& config, const Recipe& recipe, int64_t tokens,
                         int64_t value_bytes, size_t adapted_modules) {
    const int64_t layers = config.num_hidden_layers;
    const int64_t inputs = value_bytes * tokens * config.hidden_size * layers;
    const int64_t live = value_bytes * tokens * layer_values_per_token(config) +
                         4 * tokens * config.num_attention_heads;
    const int64_t rank_values = recipe.adapter.method == AdapterMethod::Full
                                    ? 0
                                    : value_bytes * tokens * recipe.adapter.lora_rank *
                                          static_cast<int64_t>(adapted_modules) /
                                          std::max<int64_t>(1, layers);
    return inputs + live + rank_values;
}

}  // namespace

Result<MemoryEstimate> estimate_memory(const ModelConfig& config, const Recipe& recipe) {
    const bool is_full = recipe.adapter.method == AdapterMethod::Full;
    const WeightMap map = make_weight_map(config);
    std::vector<const LinearInfo*> chosen;
    if (!is_full) {
        TRY(matched, match_target_modules(map, recipe.adapter.target_modules));
        chosen = std::move(matched);
    }
    MemoryEstimate estimate;
    estimate.parameter_count = parameter_count(config);
    estimate.trained_parameter_count =
        is_full ? estimate.parameter_count : adapter_parameters(recipe.adapter, chosen);
    estimate.micro_batch_tokens = micro_batch_tokens(recipe);

    const int64_t value_bytes = bytes_per_value(config, recipe);
    const int64_t trained = estimate.trained_parameter_count;
    const int64_t tokens = estimate.micro_batch_tokens;
    const int64_t master_bytes = recipe.adapter.dtype == DtypeChoice::BFloat16 && !is_full ? 2 : 4;
    const bool is_8bit = recipe.optimizer.name == OptimizerName::AdamW8bit;
    const int64_t chunk = std::min(tokens, kLogitsChunk);
    int64_t widest = config.hidden_size * config.vocab_size;
    if (recipe.quantization.base == BaseQuantization::None) widest = 0;

    const auto add = [&](std::string name, int64_t bytes, std::string basis) {
        estimate.parts.push_back({std::move(name), bytes, std::move(basis)});
        estimate.total_bytes += bytes;
    };
    add("weights", weight_bytes(config, recipe, value_bytes),
        fmt::format("{} parameters of the base", format_count(estimate.parameter_count)));
    // In full training the float32 parameters are the masters of the stored weights.
    add("adapters", is_full && value_bytes == 4 ? 0 : master_bytes * trained,
        fmt::format("{} trained parameters in {} modules", format_count(trained), chosen.size()));
    add("gradients", 4 * trained, "float32, one a trained parameter");
    add("optimizer", (is_8bit ? 2 : 8) * trained,
        is_8bit ? "two 8-bit moments a trained parameter"
                : "two float32 moments a trained parameter");
    add("activations", activation_bytes(config, recipe, tokens, value_bytes, chosen.size()),
        fmt::format("inputs of all layers and one layer at work, {} tokens a micro-batch",
                    format_count(tokens)));
    add("logits", 10 * chunk * config.vocab_size,
        fmt::format("a chunk of {} positions", format_count(chunk)));
    add("buffers", value_bytes * widest + 8 * tokens * config.hidden_size,
        widest > 0 ? "one dequantized weight, and the gradient of the activations"
                   : "the gradient of the activations");
    return estimate;
}

}  // namespace dayrun::core
