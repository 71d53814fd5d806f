// Making a decoder: its working memory, its plan, and where the backward may stop.
// Neighbours: forward.cpp, backward.cpp, cached.cpp.
#include "core/engine/decoder/decoder.h"

#include <utility>

#include "core/base/check.h"
#include "core/engine/device/accelerator.h"

namespace dayrun::engine {
namespace {

core::LayerShape shape_of_layer(const DecoderWeights& weights, const DecoderLayer& layer) {
    core::LayerShape shape = core::layer_shape(weights.config);
    shape.qkv_rank = layer.qkv.rank();
    shape.o_rank = layer.o.rank();
    shape.gate_up_rank = layer.gate_up.rank();
    shape.down_rank = layer.down.rank();
    return shape;
}

RowBuffer make_rows(const core::Width& width, Dtype dtype, MemoryPart part) {
    return RowBuffer(width.cols, width.is_float32 ? Dtype::Float32 : dtype, part);
}

// What is shared serves every layer, so it is as wide as the widest of them.
void widen(RowBuffer& shared, const core::Width& width, Dtype dtype) {
    if (width.cols > shared.cols()) shared = make_rows(width, dtype, MemoryPart::Working);
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

core::Result<std::unique_ptr<Decoder>> Decoder::make(DecoderWeights weights) {
    std::unique_ptr<Decoder> decoder(new Decoder(std::move(weights)));
    decoder->m_rope = RopeTable::make(decoder->m_weights.config);
    return decoder;
}

Decoder::Decoder(DecoderWeights weights)
    : m_weights(std::move(weights)),
      m_phases(core::layer_shape(m_weights.config), m_weights.dtype) {
    const Dtype dtype = m_weights.dtype;
    for (size_t i = 0; i < m_weights.layers.size(); ++i) {
        const DecoderLayer& layer = m_weights.layers[i];
        const core::LayerShape shape = shape_of_layer(m_weights, layer);
        const auto saved = core::saved_widths(shape);
        SavedLayerBuffers& own = m_saved.emplace_back();
        for (size_t value = 0; value < saved.size(); ++value) {
            own[value] = make_rows(saved[value], dtype, MemoryPart::Activations);
            widen(m_shared[value], saved[value], dtype);
        }
        const std::pair<Scratch, RowBuffer*> scratch[] = {{Scratch::Normed, &m_normed},
                                                          {Scratch::Delta, &m_delta},
                                                          {Scratch::U, &m_u},
                                                          {Scratch::Gradient, &m_gradient}};
        const auto widths = core::scratch_widths(shape);
        for (const auto& [value, rows] : scratch) {
            widen(*rows, widths[static_cast<size_t>(value)], dtype);
        }
        if (m_lowest_layer < 0 && trains_below(layer, Stage::End)) {
            m_lowest_layer = static_cast<int64_t>(i);
        }
    }
    m_plan.assign(m_weights.layers.size(), Keep::Everything);
    m_trains_embedding = m_weights.trained_embedding != nullptr;
}

void Decoder::set_plan(const ActivationPlan& plan) {
    CHECK(plan.size() == m_weights.layers.size());
    m_plan = plan;
    m_offloaded.clear();
    m_offloaded.resize(plan.size());
    for (size_t i = 0; i < m_plan.size(); ++i) {
        if (m_plan[i] == Keep::Offload && current_arena().is_host()) m_plan[i] = Keep::InputOnly;
        for (size_t value = 0; value < m_saved[i].size(); ++value) {
            if (!core::is_kept(static_cast<Saved>(value), m_plan[i])) m_saved[i][value].release();
        }
    }
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
    const DecoderLayer& weights = m_weights.layers[layer];
    const auto rows_of = [&](Saved value) {
        const auto index = static_cast<size_t>(value);
        const bool is_own = keeps && core::is_kept(value, m_plan[layer]);
        return (is_own ? m_saved[layer] : m_shared)[index].rows(tokens);
    };
    const auto rank_rows = [&](Saved value, const LinearGroup& group) {
        // A shared buffer may be wider than this layer's rank: its first columns serve.
        return group.rank() == 0 ? Matrix{} : rows_of(value).columns(0, group.rank());
    };
    SavedLayer rows;
    rows.input = rows_of(Saved::Input);
    rows.input_rstd = rows_of(Saved::InputRstd);
    rows.qkv = rows_of(Saved::Qkv);
    rows.qkv_xa = rank_rows(Saved::QkvXa, weights.qkv);
    if (m_weights.config.qk_norm) {
        rows.q_rstd = rows_of(Saved::QRstd);
        rows.k_rstd = rows_of(Saved::KRstd);
    }
    rows.attention = rows_of(Saved::Attention);
    rows.logsumexp = rows_of(Saved::LogSumExp);
    rows.o_xa = rank_rows(Saved::OXa, weights.o);
    rows.middle = rows_of(Saved::Middle);
    rows.middle_rstd = rows_of(Saved::MiddleRstd);
    rows.gate_up = rows_of(Saved::GateUp);
    rows.gate_up_xa = rank_rows(Saved::GateUpXa, weights.gate_up);
    rows.down_xa = rank_rows(Saved::DownXa, weights.down);
    return rows;
}

void Decoder::offload(size_t layer, const Matrix& input) {
    const int64_t bytes = input.rows * input.cols * kernels::element_bytes(input.dtype);
    Buffer& place = m_offloaded[layer];
    Accelerator& device = *accelerator();
    place.ensure(bytes, MemoryPart::Activations, device.pinned_arena());
    device.copy_queued(place.data(), input.data, bytes);
}

void Decoder::bring_back(size_t layer, const Matrix& input) {
    const int64_t bytes = input.rows * input.cols * kernels::element_bytes(input.dtype);
    accelerator()->copy_queued(input.data, m_offloaded[layer].data(), bytes);
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
