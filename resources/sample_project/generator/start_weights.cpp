// Implements start_weights.h. Tied embeddings: there is no lm_head.weight. Single thread.
#include "start_weights.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "random.h"
#include "text.h"

namespace dayrun::sample_generator {

namespace {

struct Tensor {
    std::string name;
    int rows, columns;  // columns 0: a vector of ones with `rows` values
    double deviation;
};

std::vector<Tensor> tensors_of(const ModelShape& shape) {
    const int h = shape.hidden;
    const int i = shape.intermediate;
    const double into_hidden = 1.0 / std::sqrt(h);
    const double residual = 1.0 / std::sqrt(2.0 * shape.layers);
    std::vector<Tensor> all = {{"model.embed_tokens.weight", shape.vocabulary, h, 0.05}};
    for (int layer = 0; layer < shape.layers; ++layer) {
        const std::string at = "model.layers." + std::to_string(layer) + ".";
        all.push_back({at + "input_layernorm.weight", h, 0, 0});
        for (const char* name : {"q_proj", "k_proj", "v_proj"})
            all.push_back({at + "self_attn." + name + ".weight", h, h, into_hidden});
        all.push_back({at + "self_attn.o_proj.weight", h, h, into_hidden * residual});
        all.push_back({at + "post_attention_layernorm.weight", h, 0, 0});
        all.push_back({at + "mlp.gate_proj.weight", i, h, into_hidden});
        all.push_back({at + "mlp.up_proj.weight", i, h, into_hidden});
        all.push_back({at + "mlp.down_proj.weight", h, i, residual / std::sqrt(i)});
    }
    all.push_back({"model.norm.weight", h, 0, 0});
    return all;
}

}  // namespace

std::string config_text(const ModelShape& shape) {
    const auto number = [](int n) { return std::to_string(n); };
    return fill(
        R"({
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "vocab_size": {},
  "hidden_size": {},
  "intermediate_size": {},
  "num_hidden_layers": {},
  "num_attention_heads": {},
  "num_key_value_heads": {},
  "max_position_embeddings": {},
  "rms_norm_eps": 1e-05,
  "rope_theta": 10000.0,
  "rope_scaling": null,
  "hidden_act": "silu",
  "attention_bias": false,
  "mlp_bias": false,
  "tie_word_embeddings": true,
  "bos_token_id": 1,
  "eos_token_id": 2,
  "torch_dtype": "float32"
}
)",
        {number(shape.vocabulary), number(shape.hidden), number(shape.intermediate),
         number(shape.layers), number(shape.heads), number(shape.heads), number(shape.positions)});
}

std::string start_weights(const ModelShape& shape, std::uint64_t seed) {
    Random random(seed);
    std::string header = "{\"__metadata__\":{\"format\":\"pt\"}";
    std::vector<float> values;
    for (const Tensor& tensor : tensors_of(shape)) {
        const std::size_t begin = values.size() * sizeof(float);
        const bool is_vector = tensor.columns == 0;
        const int count = is_vector ? tensor.rows : tensor.rows * tensor.columns;
        for (int k = 0; k < count; ++k)
            values.push_back(is_vector ? 1.0f
                                       : static_cast<float>(random.normal() * tensor.deviation));
        const std::string dimensions =
            std::to_string(tensor.rows) + (is_vector ? "" : "," + std::to_string(tensor.columns));
        header += fill(",\"{}\":{\"dtype\":\"F32\",\"shape\":[{}],\"data_offsets\":[{},{}]}",
                       {tensor.name, dimensions, std::to_string(begin),
                        std::to_string(values.size() * sizeof(float))});
    }
    header += '}';
    header.append((8 - header.size() % 8) % 8, ' ');
    const std::uint64_t header_bytes = header.size();  // little-endian, as every target is
    std::string out(sizeof header_bytes, '\0');
    std::memcpy(out.data(), &header_bytes, sizeof header_bytes);
    out += header;
    const std::size_t start = out.size();
    out.resize(start + values.size() * sizeof(float));
    std::memcpy(out.data() + start, values.data(), values.size() * sizeof(float));
    return out;
}

}  // namespace dayrun::sample_generator
