// Making a decoder: its working memory, its plan, and where the backward may stop.
// Neighbours: forward.cpp, backward.cpp, cached.cpp.
#include "core/engine/decoder/decoder.h"

#include <algorithm>
#include <utility>

namespace dayrun::engine {
namespace {

SavedLayerBuffers make_buffers(const DecoderWeights& weights, const DecoderLayer& layer,
                               MemoryPart part) {
    const Dtype dtype = weights.dtype;
    const core::ModelConfig& config = weights.config;
    const auto floats = [&](int64_t cols) { return RowBuffer(cols, Dtype::Float32, part); };
    const auto values = [&](int64_t cols) { return RowBuffer(cols, dtype, part); };
    SavedLayerBuffers made;
    made.input = values(config.hidden_size);
    made.input_rstd = floats(1);
    made.qkv = values(layer.qkv.out_features());
    made.qkv_xa = values(layer.qkv.rank());
    made.q_rstd = floats(config.num_attention_heads);
    made.k_rstd = floats(config.num_key_value_heads);
    made.attention = values(config.q_size());
    made.logsumexp = floats(config.num_attention_heads);
    made.o_xa = values(layer.o.rank());
    made.middle = values(config.hidden_size);
    made.middle_rstd = floats(1);
    made.gate_up = values(layer.gate_up.out_features());
    made.gate_up_xa = values(layer.gate_up.rank());
    made.down_xa = values(layer.down.rank());
    return made;
}

// The shared set serves every layer, so it is as wide as the widest of them.
void widen(SavedLayerBuffers& shared, const DecoderWeights& weights, const DecoderLayer& layer) {
    const SavedLayerBuffers other = make_buffers(weights, layer, MemoryPart::Working);
    const auto take = [](RowBuffer& mine, const RowBuffer& theirs, Dtype dtype) {
        if (theirs.cols() > mine.cols()) {
            mine = RowBuffer(theirs.cols(), dtype, MemoryPart::Working);
        }
    };
    take(shared.qkv_xa, other.qkv_xa, weights.dtype);
    take(shared.o_xa, other.o_xa, weights.dtype);
    take(shared.gate_up_xa, other.gate_up_xa, weights.dtype);
    take(shared.down_xa, other.down_xa, weights.dtype);
}

bool trains(const DecoderLayer& layer, Stage stage) {
    switch (stage) {
        case Stage::InputNorm:
            return layer.input_norm.trained != nullptr;
        case Stage::Qkv:
            return layer.qkv.is_trained();
        case Stage::O:
            return layer.o.is_trained();
        case Stage::PostAttentionNorm:
            return layer.post_attention_norm.trained != nullptr;
        case Stage::GateUp:
            return layer.gate_up.is_trained();
        case Stage::Down:
            return layer.down.is_trained();
        case Stage::End:
            break;
    }
    return false;
}

bool trains_below(const DecoderLayer& layer, Stage stage) {
    for (int below = 0; below < static_cast<int>(stage); ++below) {
        if (trains(layer, static_cast<Stage>(below))) return true;
    }
    return false;
}

}  // namespace

std::string_view to_string(Keep keep) {
    switch (keep) {
        case Keep::Everything:
            return "everything";
        case Keep::DropGateUp:
            return "drop gate and up";
        case Keep::InputOnly:
            break;
    }
    return "input only";
}

core::Result<std::unique_ptr<Decoder>> Decoder::make(DecoderWeights weights) {
    TRY(rope, RopeTable::make(weights.config));
    std::unique_ptr<Decoder> decoder(new Decoder(std::move(weights)));
    decoder->m_rope = std::move(rope);
    return decoder;
}

Decoder::Decoder(DecoderWeights weights) : m_weights(std::move(weights)) {
    const core::ModelConfig& config = m_weights.config;
    const Dtype dtype = m_weights.dtype;
    int64_t rank = 0;
    for (size_t i = 0; i < m_weights.layers.size(); ++i) {
        const DecoderLayer& layer = m_weights.layers[i];
        m_saved.push_back(make_buffers(m_weights, layer, MemoryPart::Activations));
        if (i == 0) m_shared = make_buffers(m_weights, layer, MemoryPart::Working);
        widen(m_shared, m_weights, layer);
        for (const LinearGroup* group : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
            rank = std::max(rank, group->rank());
        }
        if (m_lowest_layer < 0 && trains_below(layer, Stage::End)) {
            m_lowest_layer = static_cast<int64_t>(i);
        }
    }
    m_plan.assign(m_weights.layers.size(), Keep::Everything);
    m_trains_embedding = m_weights.trained_embedding != nullptr;
    const auto working = [&](int64_t cols) { return RowBuffer(cols, dtype, MemoryPart::Working); };
    m_normed = working(config.hidden_size);
    m_delta = working(config.hidden_size);
    m_dhidden = working(config.hidden_size);
    m_gradient = working(config.hidden_size);
    m_activated = working(config.intermediate_size);
    m_rotated = working(config.q_size() + config.kv_size());
    m_dattention = working(config.q_size());
    m_dqkv = working(config.q_size() + 2 * config.kv_size());
    m_u = working(rank);
}

void Decoder::parameters_changed(AdapterStart start) {
    for (const DecoderLayer& layer : m_weights.layers) {
        for (const LinearGroup* group : {&layer.qkv, &layer.o, &layer.gate_up, &layer.down}) {
            group->refresh(m_scratch, start);
        }
    }
}

bool Decoder::reaches_below(size_t layer, Stage stage) const {
    if (m_trains_embedding || static_cast<int64_t>(layer) > m_lowest_layer) return true;
    return trains_below(m_weights.layers[layer], stage);
}

SavedLayer Decoder::saved_rows(size_t layer, int64_t tokens, bool keeps) {
    SavedLayerBuffers& own = m_saved[layer];
    const Keep keep = m_plan[layer];
    SavedLayerBuffers& input = keeps ? own : m_shared;
    SavedLayerBuffers& most = keeps && keep != Keep::InputOnly ? own : m_shared;
    SavedLayerBuffers& widest = keeps && keep == Keep::Everything ? own : m_shared;
    const DecoderLayer& weights = m_weights.layers[layer];
    const auto rank_rows = [&](RowBuffer& buffer, const LinearGroup& group) {
        // A shared buffer may be wider than this layer's rank: its first columns serve.
        return group.rank() == 0 ? Matrix{} : buffer.rows(tokens).columns(0, group.rank());
    };
    SavedLayer rows;
    rows.input = input.input.rows(tokens);
    rows.input_rstd = input.input_rstd.rows(tokens);
    rows.qkv = most.qkv.rows(tokens);
    rows.qkv_xa = rank_rows(most.qkv_xa, weights.qkv);
    if (m_weights.config.qk_norm) {
        rows.q_rstd = most.q_rstd.rows(tokens);
        rows.k_rstd = most.k_rstd.rows(tokens);
    }
    rows.attention = most.attention.rows(tokens);
    rows.logsumexp = most.logsumexp.rows(tokens);
    rows.o_xa = rank_rows(most.o_xa, weights.o);
    rows.middle = most.middle.rows(tokens);
    rows.middle_rstd = most.middle_rstd.rows(tokens);
    rows.gate_up = widest.gate_up.rows(tokens);
    rows.gate_up_xa = rank_rows(widest.gate_up_xa, weights.gate_up);
    rows.down_xa = rank_rows(most.down_xa, weights.down);
    return rows;
}

AttentionShape Decoder::shape_of(const DecoderLayer& layer) const {
    const core::ModelConfig& config = m_weights.config;
    return {.heads = config.num_attention_heads,
            .kv_heads = config.num_key_value_heads,
            .head_dim = config.head_dim,
            .window = layer.window};
}

AttentionInput Decoder::split(const Matrix& qkv) const {
    const int64_t q = m_weights.config.q_size(), kv = m_weights.config.kv_size();
    return {qkv.columns(0, q), qkv.columns(q, kv), qkv.columns(q + kv, kv)};
}

}  // namespace dayrun::engine
