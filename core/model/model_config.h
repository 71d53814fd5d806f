// The shape of a decoder, read from config.json of any supported family. Torch-free, so that the
// plan and the Model stage know a base without opening it. Plain values: any thread.
// Formats: transformers 4 (rope_theta, rope_scaling) and 5 (rope_parameters); Qwen 1's own names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

enum class ModelFamily { Llama, Mistral, Qwen1, Qwen2, Qwen3 };
std::string_view to_string(ModelFamily family);

/// Rotary position scaling. Only the kinds that checkpoints of the supported families use.
struct RopeScaling {
    enum class Kind { None, Linear, Llama3, Dynamic, Yarn } kind = Kind::None;
    double factor = 1;
    double low_freq_factor = 1;
    double high_freq_factor = 4;
    int64_t original_max_position_embeddings = 0;
    double beta_fast = 32, beta_slow = 1;
    bool truncate = true;
    std::optional<double> attention_factor, mscale, mscale_all_dim;
};

struct ModelConfig {
    std::string architecture;  // "LlamaForCausalLM"
    ModelFamily family = ModelFamily::Llama;
    int64_t vocab_size = 0;
    int64_t hidden_size = 0;
    int64_t intermediate_size = 0;  // the real width (Qwen 1's file says twice that)
    int64_t num_hidden_layers = 0;
    int64_t num_attention_heads = 0;
    int64_t num_key_value_heads = 0;
    int64_t head_dim = 0;
    int64_t rotary_dim = 0;  // head_dim * partial_rotary_factor
    double rope_theta = 10000;
    RopeScaling rope_scaling;
    double rms_norm_eps = 1e-6;
    int64_t max_position_embeddings = 0;
    std::vector<int64_t> sliding_window;  // per layer, 0 = full attention
    bool tie_word_embeddings = false;
    bool qkv_bias = false;
    bool o_bias = false;
    bool mlp_bias = false;
    bool qk_norm = false;
    double initializer_range = 0.02;
    std::optional<int32_t> bos_token_id;
    std::vector<int32_t> eos_token_ids;
    std::string torch_dtype;  // as the file says, may be empty
    // Qwen 1 beyond its training length; both act in generation only (training uses neither).
    bool use_dynamic_ntk = false;
    bool use_logn_attn = false;
    int64_t seq_length = 0;  // the length Qwen 1 was trained with
    // "" for plain weights, "nf4" for a checkpoint that bitsandbytes quantized to 4 bits.
    std::string quantization;
    // What a person should know of how the base is used, a sentence each.
    std::vector<std::string> notes;

    int64_t q_size() const { return num_attention_heads * head_dim; }
    int64_t kv_size() const { return num_key_value_heads * head_dim; }
};

/// Which weights a model has: those beside its config.json, or drawn ones (base.random_init).
enum class WeightSource { Folder, Drawn };

/// Reads FOLDER/config.json; the fields that give the shape are required, the others have their
/// family's defaults. BadModel names the field that is missing, wrong or unsupported. Where the
/// weights are there and used, they decide whether the head is tied (stored_head.h); weights that
/// cannot be opened are left to whoever needs them.
Result<ModelConfig> read_model_config(const std::filesystem::path& folder,
                                      WeightSource weights = WeightSource::Folder);
/// The file's text alone; `file` only names it in errors.
Result<ModelConfig> parse_model_config(std::string_view text, const std::filesystem::path& file);

}  // namespace dayrun::core
