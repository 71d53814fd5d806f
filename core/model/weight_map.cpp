// The table of tensor names of each family, and what follows from it: modules and counts.
// Neighbours: model_config.cpp (sizes), target_modules.cpp (which modules carry an adapter).
#include "core/model/weight_map.h"

#include <fmt/format.h>

namespace dayrun::core {
namespace {

/// Names of one family; `{}` is the layer's index. An empty name: the family has no such weight.
struct FamilyNames {
    std::string_view embed_tokens, final_norm, layer;
    std::string_view input_norm, post_attention_norm;
    std::string_view q, k, v, qkv, o;
    std::string_view gate, up, down;
};

constexpr FamilyNames kLlamaNames = {
    .embed_tokens = "model.embed_tokens",
    .final_norm = "model.norm",
    .layer = "model.layers.{}.",
    .input_norm = "input_layernorm",
    .post_attention_norm = "post_attention_layernorm",
    .q = "self_attn.q_proj",
    .k = "self_attn.k_proj",
    .v = "self_attn.v_proj",
    .qkv = "",
    .o = "self_attn.o_proj",
    .gate = "mlp.gate_proj",
    .up = "mlp.up_proj",
    .down = "mlp.down_proj",
};

constexpr FamilyNames kQwen1Names = {
    .embed_tokens = "transformer.wte",
    .final_norm = "transformer.ln_f",
    .layer = "transformer.h.{}.",
    .input_norm = "ln_1",
    .post_attention_norm = "ln_2",
    .q = "",
    .k = "",
    .v = "",
    .qkv = "attn.c_attn",
    .o = "attn.c_proj",
    // out = c_proj(w1(x) * silu(w2(x))): w2 is the gate.
    .gate = "mlp.w2",
    .up = "mlp.w1",
    .down = "mlp.c_proj",
};

const FamilyNames& names_of(ModelFamily family) {
    return family == ModelFamily::Qwen1 ? kQwen1Names : kLlamaNames;
}

LayerNames make_layer(const ModelConfig& config, int64_t index) {
    const FamilyNames& names = names_of(config.family);
    const std::string layer = fmt::format(fmt::runtime(names.layer), index);
    const int64_t hidden = config.hidden_size;
    const int64_t width = config.intermediate_size;

    LayerNames result;
    result.input_norm = fmt::format("{}{}.weight", layer, names.input_norm);
    result.post_attention_norm = fmt::format("{}{}.weight", layer, names.post_attention_norm);
    if (config.qk_norm) {
        result.q_norm = layer + "self_attn.q_norm.weight";
        result.k_norm = layer + "self_attn.k_norm.weight";
    }
    const auto add = [&](LinearRole role, std::string_view name, int64_t out, int64_t in,
                         bool has_bias) {
        if (name.empty()) return;
        result.linears.push_back({role, fmt::format("{}{}", layer, name), out, in, has_bias});
    };
    add(LinearRole::Q, names.q, config.q_size(), hidden, config.qkv_bias);
    add(LinearRole::K, names.k, config.kv_size(), hidden, config.qkv_bias);
    add(LinearRole::V, names.v, config.kv_size(), hidden, config.qkv_bias);
    add(LinearRole::Qkv, names.qkv, config.q_size() + 2 * config.kv_size(), hidden,
        config.qkv_bias);
    add(LinearRole::O, names.o, hidden, config.q_size(), config.o_bias);
    add(LinearRole::Gate, names.gate, width, hidden, config.mlp_bias);
    add(LinearRole::Up, names.up, width, hidden, config.mlp_bias);
    add(LinearRole::Down, names.down, hidden, width, config.mlp_bias);
    return result;
}

}  // namespace

std::vector<const LinearInfo*> WeightMap::linears() const {
    std::vector<const LinearInfo*> all;
    for (const LayerNames& layer : layers) {
        for (const LinearInfo& linear : layer.linears) all.push_back(&linear);
    }
    return all;
}

WeightMap make_weight_map(const ModelConfig& config) {
    const FamilyNames& names = names_of(config.family);
    WeightMap map;
    map.embed_tokens = fmt::format("{}.weight", names.embed_tokens);
    map.final_norm = fmt::format("{}.weight", names.final_norm);
    if (!config.tie_word_embeddings) map.lm_head = "lm_head.weight";
    for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
        map.layers.push_back(make_layer(config, layer));
    }
    return map;
}

std::vector<WeightInfo> weights_of(const ModelConfig& config, const WeightMap& map) {
    const int64_t hidden = config.hidden_size;
    std::vector<WeightInfo> weights = {{map.embed_tokens, {config.vocab_size, hidden}}};
    for (const LayerNames& layer : map.layers) {
        weights.push_back({layer.input_norm, {hidden}});
        if (!layer.q_norm.empty()) weights.push_back({layer.q_norm, {config.head_dim}});
        if (!layer.k_norm.empty()) weights.push_back({layer.k_norm, {config.head_dim}});
        weights.push_back({layer.post_attention_norm, {hidden}});
        for (const LinearInfo& linear : layer.linears) {
            weights.push_back(
                {linear.module + ".weight", {linear.out_features, linear.in_features}});
            if (linear.has_bias)
                weights.push_back({linear.module + ".bias", {linear.out_features}});
        }
    }
    weights.push_back({map.final_norm, {hidden}});
    if (!map.lm_head.empty()) weights.push_back({map.lm_head, {config.vocab_size, hidden}});
    return weights;
}

int64_t linear_parameter_count(const ModelConfig& config) {
    int64_t count = 0;
    for (const LinearInfo& linear : make_layer(config, 0).linears) {
        count += linear.out_features * linear.in_features;
    }
    return count * config.num_hidden_layers;
}

int64_t parameter_count(const ModelConfig& config) {
    // Layers are alike, so one of them stands for all and no long list of names is made.
    ModelConfig one = config;
    one.num_hidden_layers = 1;
    ModelConfig none = config;
    none.num_hidden_layers = 0;
    const auto count = [](const ModelConfig& part) {
        int64_t total = 0;
        for (const WeightInfo& weight : weights_of(part, make_weight_map(part))) {
            int64_t elements = 1;
            for (const int64_t size : weight.shape) elements *= size;
            total += elements;
        }
        return total;
    };
    const int64_t outside = count(none);
    return outside + (count(one) - outside) * config.num_hidden_layers;
}

}  // namespace dayrun::core
