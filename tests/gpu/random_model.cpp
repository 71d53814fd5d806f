// Shapes and the repeated block. Neighbour: random_model.h.
#include "tests/gpu/random_model.h"

#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/rng.h"
#include "core/model/model_config.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"
#include "kernels/common/dtype.h"

namespace dayrun::tests {
namespace {

constexpr size_t kBlockBytes = size_t{32} << 20;

/// `bytes` of address space over the same kBlockBytes of random values.
class RepeatedBlock {
  public:
    explicit RepeatedBlock(size_t bytes)
        : m_bytes((bytes / kBlockBytes + 2) * kBlockBytes),
          m_file(memfd_create("weights", MFD_CLOEXEC)) {
        if (m_file < 0 || ftruncate(m_file, kBlockBytes) != 0) fail();
        void* const all =
            mmap(nullptr, m_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (all == MAP_FAILED) fail();
        m_data = static_cast<std::byte*>(all);
        for (size_t at = 0; at < m_bytes; at += kBlockBytes) {
            if (mmap(m_data + at, kBlockBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                     m_file, 0) == MAP_FAILED) {
                fail();
            }
        }
        auto* const values = reinterpret_cast<kernels::bfloat16*>(m_data);
        core::Rng rng(1, "random model");
        for (size_t i = 0; i < kBlockBytes / 2; ++i) {
            values[i] = kernels::to_bfloat16(static_cast<float>(0.02 * rng.normal()));
        }
    }
    ~RepeatedBlock() {
        munmap(m_data, m_bytes);
        close(m_file);
    }
    RepeatedBlock(const RepeatedBlock&) = delete;
    RepeatedBlock& operator=(const RepeatedBlock&) = delete;

    /// Different tensors begin at different places of the block.
    std::span<const std::byte> slice(size_t bytes) {
        m_next = (m_next + 64 * 104'729) % kBlockBytes;
        return {m_data + m_next, bytes};
    }

  private:
    [[noreturn]] static void fail() { throw std::runtime_error("no memory for random weights"); }

    size_t m_bytes = 0;
    int m_file = -1;
    std::byte* m_data = nullptr;
    size_t m_next = 0;
};

std::string config_of(const ModelShape& shape) {
    return nlohmann::json{{"architectures", {shape.architecture}},
                          {"model_type", shape.model_type},
                          {"vocab_size", shape.vocab},
                          {"hidden_size", shape.hidden},
                          {"intermediate_size", shape.intermediate},
                          {"num_hidden_layers", shape.layers},
                          {"num_attention_heads", shape.heads},
                          {"num_key_value_heads", shape.kv_heads},
                          {"head_dim", shape.head_dim},
                          {"rms_norm_eps", 1e-5},
                          {"rope_theta", 10000.0},
                          {"max_position_embeddings", 32768},
                          {"hidden_act", "silu"},
                          {"tie_word_embeddings", false},
                          {"sliding_window", nullptr},
                          {"torch_dtype", "bfloat16"}}
        .dump(1);
}

}  // namespace

int64_t ModelShape::matrix_weights() const {
    const int64_t q = heads * head_dim, kv = kv_heads * head_dim;
    const int64_t layer = hidden * (2 * q + 2 * kv) + 3 * hidden * intermediate;
    return layers * layer + vocab * hidden;
}

ModelShape llama_8b() {
    return {"Llama-3.1-8B", "LlamaForCausalLM", "llama", 128256, 4096, 14336, 32, 32, 8};
}

ModelShape mistral_7b() {
    return {"Mistral-7B", "MistralForCausalLM", "mistral", 32000, 4096, 14336, 32, 32, 8};
}

// The shape of Qwen-14B under the names of Qwen 2, which transformers of today reads as well.
ModelShape qwen_14b() {
    return {"Qwen-14B", "Qwen2ForCausalLM", "qwen2", 152064, 5120, 13696, 40, 40, 40, 128, true};
}

void write_random_model(const std::filesystem::path& folder, const ModelShape& shape) {
    const auto demand = [](const core::Result<void>& done) {
        if (!done.ok()) throw std::runtime_error(done.error().text());
    };
    demand(core::ensure_folder(folder));
    demand(core::write_file(folder / "config.json", config_of(shape)));
    const auto config = core::read_model_config(folder);
    if (!config.ok()) throw std::runtime_error(config.error().text());
    const core::WeightMap map = core::make_weight_map(*config);
    RepeatedBlock block(static_cast<size_t>(shape.vocab * shape.hidden * 2));
    const std::vector<kernels::bfloat16> ones(static_cast<size_t>(shape.hidden),
                                              kernels::to_bfloat16(1.0F));
    std::vector<core::TensorToWrite> tensors;
    const auto add = [&](const std::string& name, std::vector<int64_t> extents) {
        int64_t count = 1;
        for (const int64_t extent : extents) count *= extent;
        tensors.push_back({.name = name,
                           .dtype = core::TensorDtype::BFloat16,
                           .shape = std::move(extents),
                           .bytes = block.slice(static_cast<size_t>(count * 2))});
    };
    const auto add_norm = [&](const std::string& name) {
        tensors.push_back({.name = name,
                           .dtype = core::TensorDtype::BFloat16,
                           .shape = {shape.hidden},
                           .bytes = std::as_bytes(std::span(ones))});
    };
    add(map.embed_tokens, {shape.vocab, shape.hidden});
    add(map.lm_head, {shape.vocab, shape.hidden});
    add_norm(map.final_norm);
    for (const core::LayerNames& layer : map.layers) {
        add_norm(layer.input_norm);
        add_norm(layer.post_attention_norm);
        for (const core::LinearInfo& linear : layer.linears) {
            add(linear.module + ".weight", {linear.out_features, linear.in_features});
            if (linear.has_bias) add(linear.module + ".bias", {linear.out_features});
        }
    }
    demand(core::write_safetensors(folder / "model.safetensors", std::move(tensors)));
}

}  // namespace dayrun::tests
