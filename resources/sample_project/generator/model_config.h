// The shape of the sample project's base model. Dayrun draws its weights (base.random_init) and
// trains them (adapter.method full). Beside it: main.cpp. Constant data.
#pragma once

#include <string_view>

namespace dayrun::sample_generator {

inline constexpr int kVocabularySize = 1024;

// config.json in the Hugging Face layout, 1,336,960 parameters. initializer_range lies between
// 1/sqrt(intermediate) and 1/sqrt(hidden): the usual 0.02 is meant for wider models and starts
// slowly.
inline constexpr std::string_view kModelConfig = R"({
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "vocab_size": 1024,
  "hidden_size": 128,
  "intermediate_size": 352,
  "num_hidden_layers": 6,
  "num_attention_heads": 8,
  "num_key_value_heads": 8,
  "max_position_embeddings": 512,
  "rms_norm_eps": 1e-05,
  "rope_theta": 10000.0,
  "rope_scaling": null,
  "hidden_act": "silu",
  "attention_bias": false,
  "mlp_bias": false,
  "tie_word_embeddings": true,
  "initializer_range": 0.06,
  "bos_token_id": 1,
  "eos_token_id": 2,
  "torch_dtype": "float32"
}
)";

}  // namespace dayrun::sample_generator
