// What a layer at work holds beside what it keeps. Neighbour: working_memory.h.
#include "core/plan/memory/working_memory.h"

#include <algorithm>

#include "kernels/bfloat16_product/bfloat16_product.h"

namespace dayrun::core {
namespace {

// The rows of a weight that a CPU dequantizes at a time (core/engine/linear/frozen_linear.h).
constexpr int64_t kDequantizedBytes = int64_t{64} << 20;
constexpr int64_t kMebibyte = int64_t{1} << 20;

}  // namespace

// The set that all layers share serves validation, the layers below the lowest trained one, and
// what a plan drops.
int64_t WorkingMemory::shared_saved_bytes(const ActivationPlan& plan) const {
    int64_t sum = 0;
    for (int index = 0; index < static_cast<int>(Saved::Count); ++index) {
        const auto value = static_cast<Saved>(index);
        int64_t tokens = m_inputs.eval.tokens;
        for (size_t i = 0; i < plan.size(); ++i) {
            const bool is_reached = static_cast<int64_t>(i) >= m_model.lowest_layer;
            if (!is_reached || !is_kept(value, plan[i])) {
                tokens = std::max(tokens, m_inputs.train.tokens);
            }
        }
        sum += shared_bytes(m_model.layers, value, tokens, m_model.value_bytes);
    }
    return sum;
}

int64_t WorkingMemory::attention_bytes() const {
    if (is_cuda()) return flash_bytes();
    const int64_t window = m_config.sliding_window.empty() ? 0 : m_config.sliding_window.front();
    const HeadRows rows = m_model.value_bytes == 4 ? HeadRows::Wide
                          : multiplies_narrow()    ? HeadRows::Narrow
                                                   : HeadRows::Widened;
    const int64_t train = attention_scratch_bytes(
        m_config.head_dim, m_inputs.train.longest_document, window, rows, reaches_qkv());
    const int64_t eval = attention_scratch_bytes(m_config.head_dim, m_inputs.eval.longest_document,
                                                 window, rows, false);
    return std::max(1, m_inputs.threads) * std::max(train, eval);
}

// What libtorch's variable-length flash attention asks for in its backward: dQ, dK and dV, which
// are copied to where they belong; dK and dV of every query head where heads share keys; per row
// and head a float32; and the float32 sums of dQ, of which the deterministic backward has so many
// that the card's multiprocessors all have work. Every document is padded by up to a tile of rows.
int64_t WorkingMemory::flash_bytes() const {
    constexpr int64_t kTile = 128, kMultiprocessors = 132;  // of an H100; other cards have fewer
    const int64_t tokens = m_inputs.train.tokens, q = m_config.q_size(), kv = m_config.kv_size();
    const int64_t heads = m_config.num_attention_heads;
    const int64_t longest = std::max<int64_t>(1, m_inputs.train.longest_document);
    const int64_t documents = (tokens + longest - 1) / longest;
    const int64_t rows = tokens + kTile * documents;
    const int64_t parts = documents * heads;
    const int64_t sums = m_recipe.batch.deterministic ? (kMultiprocessors + parts - 1) / parts : 1;
    const int64_t grouped = m_config.num_key_value_heads < heads ? 2 * q : 0;
    return tokens * (q + 2 * kv + grouped) * m_model.value_bytes + rows * heads * 4 +
           sums * rows * q * 4;
}

// Whether this machine has the engine's own bfloat16 products.
bool WorkingMemory::multiplies_narrow() const {
    return m_model.value_bytes < 4 && kernels::has_bfloat16_product();
}

// Below the lowest trained module no gradient is computed: with adapters on the last layer's MLP
// alone the attention has no backward.
bool WorkingMemory::reaches_qkv() const {
    const auto lowest = static_cast<size_t>(m_model.lowest_layer);
    return m_model.is_full || lowest + 1 < m_model.layers.size() ||
           (lowest < m_model.layers.size() && m_model.layers[lowest].qkv_rank > 0);
}

// Of the linear modules: an input after dropout, DoRA's two products and scaled gradient, input and
// result in the type of an NF4 product, and on a CPU the rows of a weight dequantized for it.
int64_t WorkingMemory::linear_bytes() const {
    const int64_t in =
        std::max({m_config.hidden_size, m_config.q_size(), m_config.intermediate_size});
    const int64_t out = std::max(in, m_config.q_size() + 2 * m_config.kv_size());
    const int64_t tokens = m_inputs.train.tokens;
    int64_t sum = 0;
    if (m_recipe.adapter.lora_dropout > 0) sum += block_bytes(tokens * in * m_model.value_bytes);
    if (m_recipe.adapter.method == AdapterMethod::Dora) {
        // The norms of its rows are made from a mebibyte of float32 weights at a time.
        sum += 3 * block_bytes(tokens * out * m_model.value_bytes) +
               std::min(kMebibyte, 4 * m_config.hidden_size * m_config.intermediate_size);
    }
    if (!is_cuda() && m_model.is_quantized) {
        sum += std::min(kDequantizedBytes, m_model.largest_linear * compute_bytes());
    }
    if (casts_for_weights())
        sum += block_bytes(tokens * in * compute_bytes()) +
               block_bytes(tokens * out * compute_bytes());
    return sum;
}

int64_t WorkingMemory::bytes(const ActivationPlan& plan) const {
    int64_t sum = shared_saved_bytes(plan) + attention_bytes() + linear_bytes();
    const int64_t most = std::max(m_inputs.train.tokens, m_inputs.eval.tokens);
    for (int index = 0; index < static_cast<int>(Scratch::Count); ++index) {
        const auto value = static_cast<Scratch>(index);
        const bool is_forward = value == Scratch::Normed || value == Scratch::Delta;
        int64_t widest = 0;
        for (const LayerShape& shape : m_model.layers) {
            const Width width = scratch_widths(shape)[static_cast<size_t>(value)];
            widest = std::max(widest, width.bytes(is_forward ? most : m_inputs.train.tokens,
                                                  m_model.value_bytes));
        }
        sum += widest;
    }
    // Reciprocal norms and losses of the head's rows.
    const int64_t rows = std::max(m_inputs.train.targets, m_inputs.eval.targets);
    return sum + phases_bytes() + 2 * block_bytes(rows * 4);
}

// The block that phases use in turn is as large as the largest of them.
int64_t WorkingMemory::phases_bytes() const {
    const LayerShape shape = layer_shape(m_config);
    const auto bytes = [&](Phase phase, int64_t rows) {
        return phase_bytes(shape, phase, rows, m_model.value_bytes);
    };
    const int64_t most = std::max(m_inputs.train.tokens, m_inputs.eval.tokens);
    const int64_t rows = std::max(m_inputs.train.targets, m_inputs.eval.targets);
    const int64_t backward =
        reaches_qkv() ? bytes(Phase::AttentionBackward, m_inputs.train.tokens) : 0;
    return std::max({bytes(Phase::Attention, most), backward, bytes(Phase::Mlp, most),
                     bytes(Phase::Head, rows)});
}

// A product's operand whose rows do not lie end to end is copied on a CPU (not by our own
// products): the gradient of one of several modules that read one input. DoRA without dropout has
// scaled it into memory of its own by then, and an NF4 weight of another type has cast it.
int64_t WorkingMemory::copied_width() const {
    if (casts_for_weights() || multiplies_narrow()) return 0;
    const bool is_scaled =
        m_recipe.adapter.method == AdapterMethod::Dora && m_recipe.adapter.lora_dropout == 0;
    int64_t width = 0;
    for (const LayerShape& shape : m_model.layers) {
        if (!is_scaled || shape.gate_up_rank == 0) width = std::max(width, shape.intermediate);
        if (!is_scaled || shape.qkv_rank == 0) width = std::max({width, shape.q, shape.kv});
    }
    return width;
}

}  // namespace dayrun::core
