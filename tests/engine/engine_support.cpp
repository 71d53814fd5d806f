// Bodies of engine_support.h.
#include "tests/engine/engine_support.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/base/rng.h"
#include "core/engine/device/open_torch.h"
#include "core/model/model_config.h"
#include "core/model/weight_map.h"

namespace dayrun::tests {

using namespace dayrun::core;

namespace {

std::string config_json(const TinyModel& m) {
    nlohmann::json config = {{"architectures", {m.architecture}},
                             {"model_type", m.model_type},
                             {"vocab_size", m.vocab},
                             {"hidden_size", m.hidden},
                             {"intermediate_size", m.intermediate},
                             {"num_hidden_layers", m.layers},
                             {"num_attention_heads", m.heads},
                             {"num_key_value_heads", m.kv_heads},
                             {"head_dim", m.head_dim},
                             {"rms_norm_eps", 1e-5},
                             {"rope_theta", 10000.0},
                             {"max_position_embeddings", 512},
                             {"hidden_act", "silu"},
                             {"tie_word_embeddings", m.tied},
                             {"torch_dtype", "float32"}};
    if (m.window > 0) config["sliding_window"] = m.window;
    if (m.llama3_rope) {
        config["rope_scaling"] = {{"rope_type", "llama3"},
                                  {"factor", 8.0},
                                  {"low_freq_factor", 1.0},
                                  {"high_freq_factor", 4.0},
                                  {"original_max_position_embeddings", 32}};
    }
    if (m.model_type == "qwen") {
        // Its own words; ffn_hidden_size counts gate and up together.
        config["kv_channels"] = m.head_dim;
        config["layer_norm_epsilon"] = 1e-5;
        config["intermediate_size"] = 2 * m.intermediate;
        config["seq_length"] = m.seq_length;
        config["no_bias"] = true;
        config["use_dynamic_ntk"] = config["use_logn_attn"] = m.stretches;
    }
    return config.dump(1);
}

struct Writer {
    std::vector<TensorToWrite> tensors;
    std::vector<std::unique_ptr<std::vector<std::byte>>> bytes;
    TensorDtype dtype;
    double scale;
    uint64_t seed;

    void add(const std::string& name, const std::vector<int64_t>& shape) {
        int64_t count = 1;
        for (const int64_t extent : shape) count *= extent;
        Rng rng(seed, name);
        const bool is_norm = shape.size() == 1 && name.find("bias") == std::string::npos;
        auto data = std::make_unique<std::vector<std::byte>>(
            static_cast<size_t>(count * dtype_bytes(dtype)));
        for (int64_t i = 0; i < count; ++i) {
            const float value = static_cast<float>((is_norm ? 1.0 : 0.0) + scale * rng.normal());
            if (dtype == TensorDtype::Float32) {
                std::memcpy(data->data() + i * 4, &value, 4);
            } else {
                const kernels::bfloat16 narrow = kernels::to_bfloat16(value);
                std::memcpy(data->data() + i * 2, &narrow, 2);
            }
        }
        tensors.push_back({name, dtype, shape, std::span<const std::byte>(*data)});
        bytes.push_back(std::move(data));
    }
};

}  // namespace

bool write_tiny_model(const std::filesystem::path& folder, const TinyModel& model, uint64_t seed,
                      TensorDtype dtype) {
    if (!write_file(folder / "config.json", config_json(model)).ok()) return false;
    const auto config = read_model_config(folder);
    if (!config.ok()) {
        qWarning("%s", config.error().text().c_str());
        return false;
    }
    const WeightMap map = make_weight_map(*config);
    Writer writer{{}, {}, dtype, model.weight_scale, seed};
    writer.add(map.embed_tokens, {config->vocab_size, config->hidden_size});
    if (!map.lm_head.empty()) writer.add(map.lm_head, {config->vocab_size, config->hidden_size});
    writer.add(map.final_norm, {config->hidden_size});
    for (const LayerNames& layer : map.layers) {
        writer.add(layer.input_norm, {config->hidden_size});
        writer.add(layer.post_attention_norm, {config->hidden_size});
        if (!layer.q_norm.empty()) {
            writer.add(layer.q_norm, {config->head_dim});
            writer.add(layer.k_norm, {config->head_dim});
        }
        for (const LinearInfo& linear : layer.linears) {
            writer.add(linear.module + ".weight", {linear.out_features, linear.in_features});
            if (linear.has_bias) writer.add(linear.module + ".bias", {linear.out_features});
        }
    }
    return write_safetensors(folder / "model.safetensors", writer.tensors).ok();
}

TinyModel small_shape() {
    TinyModel model;
    model.vocab = 32000;
    model.hidden = 288;
    model.intermediate = 768;
    model.layers = 6;
    model.heads = model.kv_heads = 6;
    model.head_dim = 48;
    model.weight_scale = 0.02;
    return model;
}

TinyModel large_shape() {
    TinyModel model;
    model.vocab = 49152;
    model.hidden = 576;
    model.intermediate = 1536;
    model.layers = 30;
    model.heads = 9;
    model.kv_heads = 3;
    model.head_dim = 64;
    model.tied = true;
    model.weight_scale = 0.02;
    return model;
}

Recipe lora_recipe(const std::filesystem::path& folder, int rank, double alpha) {
    Recipe recipe;
    recipe.base.path = folder.string();
    recipe.adapter.lora_rank = rank;
    recipe.adapter.lora_alpha = alpha;
    return recipe;
}

// Engines are made here without make_engine, which opens libtorch for everybody else.
[[maybe_unused]] static const bool s_libtorch_is_open = engine::open_torch().ok();

std::unique_ptr<engine::DecoderEngine> open_engine(const Recipe& recipe, int threads) {
    auto engine = std::make_unique<engine::DecoderEngine>(Device{.threads = threads});
    const auto prepared = engine->prepare(recipe);
    if (prepared.ok()) return engine;
    qWarning("%s", prepared.error().text().c_str());
    return nullptr;
}

bool write_random_adapter(const std::filesystem::path& folder, const Recipe& recipe, double scale) {
    const auto engine = open_engine(recipe);
    if (engine == nullptr) return false;
    for (const engine::Parameter& parameter : engine->parameters().all()) {
        if (parameter.name.find(".lora_B.") == std::string::npos) continue;
        Rng rng(recipe.seed, "test " + parameter.name);
        for (int64_t i = 0; i < parameter.count; ++i) {
            parameter.value[i] = static_cast<float>(scale * rng.normal());
        }
    }
    return engine->save_adapter(folder).ok();
}

PackedRow random_row(int64_t length, int64_t vocab, uint64_t seed, double masked) {
    Rng rng(seed, "row");
    std::vector<int32_t> tokens, labels;
    for (int64_t i = 0; i < length; ++i) {
        tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab))));
        labels.push_back(rng.uniform() < masked ? kIgnoreLabel : tokens.back());
    }
    return make_row(std::move(tokens), std::move(labels));
}

PackedRow join_rows(const std::vector<PackedRow>& rows) {
    PackedRow joined;
    for (const PackedRow& row : rows) {
        const auto begin = static_cast<int32_t>(joined.tokens.size());
        for (DocumentSpan document : row.documents) {
            document.begin += begin;
            document.end += begin;
            joined.documents.push_back(document);
        }
        joined.tokens.insert(joined.tokens.end(), row.tokens.begin(), row.tokens.end());
        joined.labels.insert(joined.labels.end(), row.labels.begin(), row.labels.end());
        joined.target_token_count += row.target_token_count;
    }
    return joined;
}

PackedBatch batch_of_step(int step, int64_t vocab) {
    const auto seed = static_cast<uint64_t>(step);
    return make_batch(
        {join_rows({random_row(11, vocab, 10 * seed), random_row(5, vocab, 10 * seed + 1)}),
         random_row(13, vocab, 10 * seed + 2)},
        0, seed);
}

bool train(engine::DecoderEngine& engine, int first, int last, int64_t vocab, StepFigures& figures,
           BatchOfStep batch_of) {
    for (int step = first; step < last; ++step) {
        const PackedBatch batch = batch_of(step, vocab);
        if (!engine.accumulate(batch, static_cast<double>(batch.target_token_count)).ok()) {
            return false;
        }
        const auto outcome = engine.apply_step(0.01);
        if (!outcome.ok() || outcome->skipped) return false;
        figures.losses.push_back(outcome->loss);
        figures.norms.push_back(outcome->grad_norm);
    }
    return true;
}

double eval_loss(engine::DecoderEngine& engine, int64_t vocab) {
    const auto result = engine.evaluate({batch_of_step(99, vocab)}, 1);
    return result.ok() ? result->total.loss_sum : NAN;
}

std::span<const float> gradient_of(const engine::Parameter& parameter) {
    return {parameter.gradient, static_cast<size_t>(parameter.count)};
}

std::span<const float> value_of(const engine::Parameter& parameter) {
    return {parameter.value, static_cast<size_t>(parameter.count)};
}

}  // namespace dayrun::tests
