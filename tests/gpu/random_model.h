// A model of true shape with random weights, written to a folder: speed and memory do not depend on
// the values, and the peer reads the very same files. All tensors are slices of one small block of
// random bfloat16 values, seen again and again through the address space, so that writing 16 GB
// costs no more than the writing. Neighbour: bench_train.cpp. Main thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace dayrun::tests {

struct ModelShape {
    std::string name, architecture, model_type;
    int64_t vocab = 0, hidden = 0, intermediate = 0, layers = 0, heads = 0, kv_heads = 0;
    int64_t head_dim = 128;
    bool has_qkv_bias = false;

    /// Weights that multiply every token: all linear modules and the head.
    int64_t matrix_weights() const;
};

ModelShape llama_8b();
ModelShape mistral_7b();
ModelShape qwen_14b();

enum class WeightFormat { BFloat16, Nf4 };

/// config.json and model.safetensors in `folder`, in the Hugging Face layout; with Nf4 the linear
/// modules as bitsandbytes stores them, doubly quantized. Throws std::runtime_error with the
/// reason.
void write_random_model(const std::filesystem::path& folder, const ModelShape& shape,
                        WeightFormat format);

}  // namespace dayrun::tests
