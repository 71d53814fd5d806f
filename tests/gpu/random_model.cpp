// Shapes and the repeated block. Neighbour: random_model.h.
#include "tests/gpu/random_model.h"

#include <sys/mman.h>
#include <unistd.h>

#include <deque>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/rng.h"
#include "core/model/model_config.h"
#include "core/model/safetensors.h"
#include "core/model/weight_map.h"
#include "core/quantize/nf4_tensors.h"
#include "kernels/blockwise8/blockwise8.h"
#include "kernels/common/dtype.h"

namespace dayrun::tests {
namespace {

constexpr size_t kBlockBytes = size_t{32} << 20;

/// `bytes` of address space over the same kBlockBytes of random values.
class RepeatedBlock {
  public:
    /// At least `bytes`; `fill` gets one block to write.
    template <class Fill>
    RepeatedBlock(size_t bytes, Fill&& fill)
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
        fill(std::span(m_data, kBlockBytes));
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

std::string config_of(const ModelShape& shape, WeightFormat format) {
    nlohmann::json config = {{"architectures", {shape.architecture}},
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
                             {"torch_dtype", "bfloat16"}};
    if (format == WeightFormat::Nf4) {
        config["quantization_config"] = {{"quant_method", "bitsandbytes"},
                                         {"load_in_4bit", true},
                                         {"bnb_4bit_quant_type", "nf4"},
                                         {"bnb_4bit_use_double_quant", true},
                                         {"bnb_4bit_compute_dtype", "bfloat16"}};
    }
    return config.dump(1);
}

void fill_normals(std::span<std::byte> block) {
    auto* const values = reinterpret_cast<kernels::bfloat16*>(block.data());
    core::Rng rng(1, "random model");
    for (size_t i = 0; i < block.size() / 2; ++i) {
        values[i] = kernels::to_bfloat16(static_cast<float>(0.02 * rng.normal()));
    }
}

void fill_bytes(std::span<std::byte> block) {
    core::Rng rng(2, "random codes");
    for (std::byte& one : block) one = static_cast<std::byte>(rng.below(256));
}

/// Collects the tensors of one model and writes them.
class ModelWriter {
  public:
    ModelWriter(const ModelShape& shape, WeightFormat format)
        : m_format(format),
          m_values(static_cast<size_t>(shape.vocab * shape.hidden * 2), fill_normals),
          m_codes(static_cast<size_t>(shape.intermediate * shape.hidden), fill_bytes),
          m_ones(static_cast<size_t>(shape.hidden), kernels::to_bfloat16(1.0F)) {}

    void add(const std::string& name, std::vector<int64_t> extents) {
        const int64_t bytes = count_of(extents) * 2;
        add(name, core::TensorDtype::BFloat16, std::move(extents),
            m_values.slice(static_cast<size_t>(bytes)));
    }

    void add_norm(const std::string& name) {
        add(name, core::TensorDtype::BFloat16, {std::ssize(m_ones)},
            std::as_bytes(std::span(m_ones)));
    }

    void add_linear(const core::LinearInfo& linear) {
        const std::string weight = linear.module + ".weight";
        const std::vector<int64_t> extents = {linear.out_features, linear.in_features};
        if (m_format == WeightFormat::Nf4) {
            add_codes(weight, extents);
        } else {
            add(weight, extents);
        }
        if (linear.has_bias) add(linear.module + ".bias", {linear.out_features});
    }

    void write(const std::filesystem::path& path) {
        const auto done = core::write_safetensors(path, m_tensors);
        if (!done.ok()) throw std::runtime_error(done.error().text());
    }

  private:
    static int64_t count_of(const std::vector<int64_t>& extents) {
        int64_t count = 1;
        for (const int64_t extent : extents) count *= extent;
        return count;
    }

    void add(const std::string& name, core::TensorDtype dtype, std::vector<int64_t> extents,
             std::span<const std::byte> bytes) {
        m_tensors.push_back({name, dtype, std::move(extents), bytes});
    }

    // Any code is a weight. The maxima are the offset and a fifth of it at most, so that the
    // weights have about the size of trained ones.
    void add_codes(const std::string& weight, const std::vector<int64_t>& extents) {
        const core::Nf4Names names(weight);
        const int64_t count = count_of(extents), blocks = kernels::nf4_block_count(count);
        const int64_t nested =
            (blocks + kernels::kNf4NestedBlockSize - 1) / kernels::kNf4NestedBlockSize;
        const auto& state =
            m_states.emplace_back(core::to_json({.shape = extents,
                                                 .dtype = core::TensorDtype::BFloat16,
                                                 .is_nested = true,
                                                 .nested_offset = 0.05F}));
        const auto& maxima =
            m_maxima.emplace_back(std::vector<float>(static_cast<size_t>(nested), 0.01F));
        using core::TensorDtype;
        const auto code_bytes = kernels::nf4_code_bytes(count);
        add(names.codes, TensorDtype::UInt8, {code_bytes, 1},
            m_codes.slice(static_cast<size_t>(code_bytes)));
        add(names.absmax, TensorDtype::UInt8, {blocks}, m_codes.slice(static_cast<size_t>(blocks)));
        add(names.quant_map, TensorDtype::Float32, {16},
            std::as_bytes(std::span(kernels::kNf4Values, 16)));
        add(names.nested_absmax, TensorDtype::Float32, {nested}, std::as_bytes(std::span(maxima)));
        add(names.nested_quant_map, TensorDtype::Float32, {256},
            std::as_bytes(std::span(kernels::dynamic_map(kernels::MapSign::Signed), 256)));
        add(names.state, TensorDtype::UInt8, {std::ssize(state)}, std::as_bytes(std::span(state)));
    }

    WeightFormat m_format;
    RepeatedBlock m_values, m_codes;
    std::vector<kernels::bfloat16> m_ones;
    std::deque<std::string> m_states;
    std::deque<std::vector<float>> m_maxima;
    std::vector<core::TensorToWrite> m_tensors;
};

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

void write_random_model(const std::filesystem::path& folder, const ModelShape& shape,
                        WeightFormat format) {
    const auto demand = [](const core::Result<void>& done) {
        if (!done.ok()) throw std::runtime_error(done.error().text());
    };
    demand(core::ensure_folder(folder));
    demand(core::write_file(folder / "config.json", config_of(shape, format)));
    const auto config = core::read_model_config(folder);
    if (!config.ok()) throw std::runtime_error(config.error().text());
    const core::WeightMap map = core::make_weight_map(*config);
    ModelWriter writer(shape, format);
    writer.add(map.embed_tokens, {shape.vocab, shape.hidden});
    writer.add(map.lm_head, {shape.vocab, shape.hidden});
    writer.add_norm(map.final_norm);
    for (const core::LayerNames& layer : map.layers) {
        writer.add_norm(layer.input_norm);
        writer.add_norm(layer.post_attention_norm);
        for (const core::LinearInfo& linear : layer.linears) writer.add_linear(linear);
    }
    writer.write(folder / "model.safetensors");
}

}  // namespace dayrun::tests
