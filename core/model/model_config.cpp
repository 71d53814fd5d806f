// config.json -> ModelConfig: one table of families with their defaults, and one reader.
// Neighbours: rope_scaling.cpp (positions), weight_map.cpp (names of the tensors).
#include "core/model/model_config.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "core/model/config/config_fields.h"
#include "core/model/config/rope_scaling.h"
#include "core/model/config/strict_json.h"
#include "core/model/stored_head.h"

namespace dayrun::core {
namespace {

/// What differs between the families beyond their tensors' names.
struct FamilyRow {
    ModelFamily family;
    std::string_view name;
    std::string_view architecture;
    std::string_view model_type;
    int64_t num_key_value_heads;      // when missing; 0 = as many as attention heads
    int64_t head_dim;                 // when missing; 0 = hidden_size / heads
    int64_t max_position_embeddings;  // when missing
};

constexpr std::array kFamilies = {
    FamilyRow{ModelFamily::Llama, "llama", "LlamaForCausalLM", "llama", 0, 0, 2048},
    FamilyRow{ModelFamily::Mistral, "mistral", "MistralForCausalLM", "mistral", 8, 0, 131072},
    FamilyRow{ModelFamily::Qwen1, "qwen1", "QWenLMHeadModel", "qwen", 0, 0, 8192},
    FamilyRow{ModelFamily::Qwen2, "qwen2", "Qwen2ForCausalLM", "qwen2", 32, 0, 32768},
    FamilyRow{ModelFamily::Qwen3, "qwen3", "Qwen3ForCausalLM", "qwen3", 32, 128, 32768},
};

// Far above every published model, and small enough that no product of two of them overflows.
constexpr IntRange kWidths{1, int64_t{1} << 22};
constexpr IntRange kVocab{1, int64_t{1} << 26};
constexpr IntRange kLayers{1, 4096};
constexpr IntRange kHeads{1, 1 << 16};
constexpr IntRange kHeadDims{2, 1 << 16};
constexpr IntRange kPositions{1, int64_t{1} << 31};
constexpr IntRange kTokenIds{0, std::numeric_limits<int32_t>::max()};

const FamilyRow* find_family(ConfigFields& fields, std::string& asked) {
    const nlohmann::json& architectures = fields.raw("architectures");
    const bool is_named =
        architectures.is_array() && !architectures.empty() && architectures[0].is_string();
    asked = is_named ? architectures[0].get<std::string>() : fields.text("model_type", "");
    for (const FamilyRow& row : kFamilies) {
        if (asked == (is_named ? row.architecture : row.model_type)) return &row;
    }
    return nullptr;
}

void read_sizes(ConfigFields& fields, const FamilyRow& family, ModelConfig& config) {
    const bool is_qwen1 = family.family == ModelFamily::Qwen1;
    config.vocab_size = fields.required_int({"vocab_size", "padded_vocab_size"}, kVocab);
    config.hidden_size = fields.required_int({"hidden_size", "n_embd"}, kWidths);
    config.intermediate_size =
        fields.required_int({"intermediate_size", "ffn_hidden_size"}, kWidths);
    config.num_hidden_layers = fields.required_int({"num_hidden_layers", "n_layer"}, kLayers);
    config.num_attention_heads = fields.required_int({"num_attention_heads", "n_head"}, kHeads);
    const int64_t heads = config.num_attention_heads;

    if (is_qwen1) {
        if (config.intermediate_size % 2 != 0) {
            fields.fail(
                fmt::format("'{}' gives the odd intermediate_size {}; a Qwen 1 config "
                            "holds twice the width of the MLP.",
                            fields.file(), config.intermediate_size));
        }
        config.intermediate_size /= 2;
        config.num_key_value_heads = heads;
    } else if (fields.has("num_key_value_heads")) {
        config.num_key_value_heads = fields.required_int("num_key_value_heads", kHeads);
    } else {
        const bool is_null = !fields.is_missing("num_key_value_heads");
        config.num_key_value_heads =
            is_null || family.num_key_value_heads == 0 ? heads : family.num_key_value_heads;
    }
    if (!fields.failed() && heads % config.num_key_value_heads != 0) {
        fields.fail(fmt::format("'{}' asks for {} attention heads over {} key-value heads, which "
                                "do not divide.",
                                fields.file(), heads, config.num_key_value_heads),
                    "Get the model's config.json again.");
    }

    const auto given = fields.optional_int(is_qwen1 ? "kv_channels" : "head_dim", kHeadDims);
    if (given) {
        config.head_dim = *given;
    } else if (family.head_dim != 0) {
        config.head_dim = family.head_dim;
    } else {
        config.head_dim = config.hidden_size / heads;
        if (!fields.failed() && (config.hidden_size % heads != 0 || config.head_dim < 2)) {
            fields.fail(fmt::format("'{}' asks for {} attention heads in a hidden size of {}, "
                                    "which do not divide.",
                                    fields.file(), heads, config.hidden_size),
                        "Get the model's config.json again.");
        }
    }
    if (!fields.failed() && config.q_size() > kWidths.high) {
        fields.fail(fmt::format("'{}' asks for {} heads of {} values, which no machine holds.",
                                fields.file(), heads, config.head_dim));
    }
}

/// Biases, norms, activation and tying.
void read_switches(ConfigFields& fields, const FamilyRow& family, ModelConfig& config) {
    const bool is_llama = family.family == ModelFamily::Llama;
    switch (family.family) {
        case ModelFamily::Llama:
        case ModelFamily::Qwen3:
            config.qkv_bias = config.o_bias = fields.boolean("attention_bias", false);
            break;
        case ModelFamily::Mistral:
            break;
        case ModelFamily::Qwen1:
            config.qkv_bias = true;
            config.o_bias = config.mlp_bias = !fields.boolean("no_bias", true);
            break;
        case ModelFamily::Qwen2:
            config.qkv_bias = true;
            break;
    }
    if (is_llama) config.mlp_bias = fields.boolean("mlp_bias", false);
    config.qk_norm = family.family == ModelFamily::Qwen3;
    config.tie_word_embeddings = fields.boolean("tie_word_embeddings", false);
    config.rms_norm_eps =
        fields.optional_positive({"rms_norm_eps", "layer_norm_epsilon"}).value_or(1e-6);
    config.initializer_range = fields.optional_positive("initializer_range").value_or(0.02);
    config.torch_dtype = fields.text(fields.has("dtype") ? "dtype" : "torch_dtype", "");

    const std::string activation = fields.text("hidden_act", "silu");
    if (activation != "silu" && activation != "swish") {
        fields.fail(fmt::format("'{}' asks for the activation '{}', which Dayrun does not have.",
                                fields.file(), activation),
                    "Supported is silu.");
    }
    if (family.family == ModelFamily::Qwen1) {
        config.use_dynamic_ntk = fields.boolean("use_dynamic_ntk", true);
        config.use_logn_attn = fields.boolean("use_logn_attn", true);
        if (!fields.boolean("scale_attn_weights", true)) {
            fields.fail(fmt::format(
                "'{}' turns scale_attn_weights off, which Dayrun does not have.", fields.file()));
        }
    }
}

/// The window of each layer by its family's rule; 0 = the layer sees everything.
void read_windows(ConfigFields& fields, const FamilyRow& family, ModelConfig& config) {
    const auto layers = static_cast<size_t>(config.num_hidden_layers);
    config.sliding_window.assign(layers, 0);
    if (family.family == ModelFamily::Llama || family.family == ModelFamily::Qwen1) return;
    const bool is_missing = fields.is_missing("sliding_window");
    const int64_t window =
        is_missing ? 4096 : fields.optional_int("sliding_window", kPositions).value_or(0);
    if (family.family == ModelFamily::Mistral) {
        config.sliding_window.assign(layers, window);
        return;
    }
    const bool is_used = fields.boolean("use_sliding_window", false);
    const int64_t first = fields.optional_int("max_window_layers", {0, kLayers.high}).value_or(28);
    const nlohmann::json& types = fields.raw("layer_types");
    if (!types.is_null() && (!types.is_array() || types.size() != layers)) {
        fields.fail(fmt::format("'{}' does not give one of its layer_types for each of the {} "
                                "layers.",
                                fields.file(), layers),
                    "Get the model's config.json again.");
        return;
    }
    for (size_t layer = 0; layer < layers; ++layer) {
        bool slides = static_cast<int64_t>(layer) >= first;
        if (!types.is_null()) {
            const std::string type = types[layer].is_string() ? types[layer].get<std::string>()
                                                              : types[layer].dump(-1, ' ', true);
            slides = type == "sliding_attention";
            if (!slides && type != "full_attention") {
                fields.fail(fmt::format("'{}' gives layer {} the type '{}', which Dayrun does not "
                                        "have.",
                                        fields.file(), layer, type),
                            "Supported are full_attention and sliding_attention.");
            }
        }
        if (is_used && slides) config.sliding_window[layer] = window;
    }
}

void read_tokens(ConfigFields& fields, ModelConfig& config) {
    if (const auto bos = fields.optional_int("bos_token_id", kTokenIds)) {
        config.bos_token_id = static_cast<int32_t>(*bos);
    }
    const nlohmann::json& eos = fields.raw("eos_token_id");
    if (!eos.is_array()) {
        if (const auto id = fields.optional_int("eos_token_id", kTokenIds)) {
            config.eos_token_ids.push_back(static_cast<int32_t>(*id));
        }
        return;
    }
    for (const auto& id : eos) {
        if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX) {
            fields.fail(fmt::format("'{}' lists the eos_token_id {}, which is no token id.",
                                    fields.file(), id.dump(-1, ' ', true)));
            return;
        }
        config.eos_token_ids.push_back(id.get<int32_t>());
    }
}

/// Weights that another program quantized: only 4-bit NF4 of bitsandbytes can be understood.
void read_quantization(ConfigFields& fields, ModelConfig& config) {
    const nlohmann::json& given = fields.raw("quantization_config");
    if (given.is_null()) return;
    const nlohmann::json nothing = nlohmann::json::object();
    ConfigFields quantization(given.is_object() ? given : nothing, fields.file());
    const std::string method = quantization.text("quant_method", "");
    const bool is_nf4 = method == "bitsandbytes" && quantization.boolean("load_in_4bit", false) &&
                        quantization.text("bnb_4bit_quant_type", "fp4") == "nf4";
    if (is_nf4) {
        config.quantization = "nf4";
        return;
    }
    fields.fail(fmt::format("The weights beside '{}' are quantized by '{}' in a way that Dayrun "
                            "cannot read.",
                            fields.file(), method.empty() ? "an unnamed method" : method),
                "Choose the model's bfloat16 weights, or NF4 weights of bitsandbytes.");
}

}  // namespace

std::string_view to_string(ModelFamily family) {
    for (const FamilyRow& row : kFamilies) {
        if (row.family == family) return row.name;
    }
    return "unknown";
}

Result<ModelConfig> parse_model_config(std::string_view text, const std::filesystem::path& file) {
    TRY(json, parse_json_object(text, file, "a model's config.json"));
    ConfigFields fields(json, file.string());
    ModelConfig config;
    const FamilyRow* const family = find_family(fields, config.architecture);
    if (family == nullptr) {
        return Error{
            .code = config.architecture.empty() ? ErrorCode::BadModel : ErrorCode::Unsupported,
            .message = config.architecture.empty()
                           ? fmt::format("'{}' names neither 'architectures' nor 'model_type'.",
                                         file.string())
                           : fmt::format("'{}' is a '{}' model, which Dayrun does not have.",
                                         file.string(), config.architecture),
            .hint = "Supported are Llama, Mistral, Qwen 1, Qwen 2 and Qwen 3 language models."};
    }
    config.family = family->family;
    config.architecture = family->architecture;
    read_sizes(fields, *family, config);
    config.max_position_embeddings =
        fields.optional_int({"max_position_embeddings", "n_positions"}, kPositions)
            .value_or(family->max_position_embeddings);
    config.seq_length =
        family->family == ModelFamily::Qwen1
            ? fields.optional_int("seq_length", kPositions).value_or(config.max_position_embeddings)
            : config.max_position_embeddings;
    read_switches(fields, *family, config);
    read_rope(fields, config);
    read_windows(fields, *family, config);
    read_tokens(fields, config);
    read_quantization(fields, config);
    if (fields.failed()) return fields.error();
    return config;
}

Result<ModelConfig> read_model_config(const std::filesystem::path& folder, WeightSource weights) {
    const std::filesystem::path file = folder / "config.json";
    TRY(text, read_json_text(file, "a model's config.json"));
    TRY(config, parse_model_config(text, file));
    const bool may_differ = config.tie_word_embeddings || !config.quantization.empty();
    if (weights == WeightSource::Drawn || !may_differ) return config;
    const auto files = CheckpointFiles::open(folder);
    if (files.ok()) TRY_VOID(settle_head(folder, *files, config));
    return config;
}

}  // namespace dayrun::core
