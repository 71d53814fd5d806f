// The decoder's backward, written out: forward.cpp's walk from the end to the lowest trained
// module. `gradient` is always that of the residual stream; each block adds its part to it.
// Neighbours: forward.cpp, saved.h.
#include "core/engine/decoder/decoder.h"
#include "kernels/embedding/embedding.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"

namespace dayrun::engine {

void Decoder::backward(const StagedBatch& batch, const Matrix& gradient) {
    const int64_t lowest = m_trains_embedding ? 0 : m_lowest_layer;
    if (lowest < 0) return;
    for (auto i = static_cast<int64_t>(m_weights.layers.size()) - 1; i >= lowest; --i) {
        backward_layer(static_cast<size_t>(i), batch, gradient);
    }
    if (!m_trains_embedding) return;
    kernels::embedding_backward({.dtable = m_weights.trained_embedding->gradient,
                                 .dout = gradient.data,
                                 .token_ids = batch.token_ids,
                                 .dtype = gradient.dtype,
                                 .tokens = gradient.rows,
                                 .cols = gradient.cols,
                                 .vocab = m_weights.embedding.rows,
                                 .dout_stride = gradient.stride});
}

void Decoder::backward_layer(size_t index, const StagedBatch& batch, const Matrix& gradient) {
    const SavedLayer saved = saved_rows(index, gradient.rows, true);
    if (m_plan[index] == Keep::Offload) bring_back(index, saved.input);
    make_again(m_weights.layers[index], saved, m_plan[index], batch);
    backward_mlp(index, saved, gradient);
    if (!reaches_below(index, Stage::GateUp)) return;
    backward_attention(index, saved, batch, gradient);
}

// Fills what the plan dropped, by the calls of the forward on the same rows; the layer's result is
// the next one's input and was kept.
void Decoder::make_again(const DecoderLayer& layer, const SavedLayer& saved, Keep keep,
                         const StagedBatch& batch) {
    if (keep == Keep::Everything) return;
    const Matrix normed = m_normed.rows(saved.input.rows);
    if (keep == Keep::InputOnly || keep == Keep::Offload) {
        norm_forward(normed, layer.input_norm, saved.input, {}, {}, saved.input_rstd);
        forward_attention(layer, saved, batch);
        layer.down.adapt(saved.down_xa, activate(layer, saved), m_pass);
        return;
    }
    norm_forward(normed, layer.post_attention_norm, saved.middle, {}, {}, saved.middle_rstd);
    layer.gate_up.forward(saved.gate_up, saved.gate_up_xa, normed, m_pass);
}

void Decoder::backward_mlp(size_t index, const SavedLayer& saved, const Matrix& gradient) {
    const DecoderLayer& layer = m_weights.layers[index];
    const int64_t tokens = gradient.rows;
    // First its gradient, then its value.
    const Matrix activated = m_phases.take(Phase::Mlp, tokens)[0];
    const Matrix u = m_u.rows(tokens);
    const bool needs_gate_up = reaches_below(index, Stage::Down);
    const Matrix gate = saved.gate_up.columns(layer.gate_begin, activated.cols);
    const Matrix up = saved.gate_up.columns(layer.up_begin, activated.cols);

    const Matrix down_u = u.columns(0, layer.down.rank());
    layer.down.backward_input(needs_gate_up ? activated : Matrix{}, down_u, gradient, saved.down_xa,
                              m_pass);
    if (!needs_gate_up) {
        kernels::swiglu_forward({.out = activated.data,
                                 .gate = gate.data,
                                 .up = up.data,
                                 .dtype = gate.dtype,
                                 .rows = tokens,
                                 .cols = activated.cols,
                                 .gate_stride = gate.stride,
                                 .up_stride = up.stride});
        layer.down.backward_weights(down_u, gradient, activated, saved.down_xa, m_pass);
        return;
    }
    // gate and up become their gradients; the activation is made again over its own gradient.
    kernels::swiglu_backward({.gate = gate.data,
                              .up = up.data,
                              .out = activated.data,
                              .dout = activated.data,
                              .dtype = gate.dtype,
                              .rows = tokens,
                              .cols = activated.cols,
                              .gate_stride = gate.stride,
                              .up_stride = up.stride});
    layer.down.backward_weights(down_u, gradient, activated, saved.down_xa, m_pass);

    const bool needs_normed = reaches_below(index, Stage::GateUp);
    const Matrix dnormed = needs_normed ? m_delta.rows(tokens) : Matrix{};
    const Matrix gate_up_u = u.columns(0, layer.gate_up.rank());
    layer.gate_up.backward_input(dnormed, gate_up_u, saved.gate_up, saved.gate_up_xa, m_pass);
    if (layer.gate_up.is_trained()) {
        const Matrix normed = m_normed.rows(tokens);
        norm_forward(normed, layer.post_attention_norm, saved.middle, {}, {}, {});
        layer.gate_up.backward_weights(gate_up_u, saved.gate_up, normed, saved.gate_up_xa, m_pass);
    }
    if (!needs_normed) return;
    norm_backward(gradient, layer.post_attention_norm, dnormed, saved.middle, saved.middle_rstd);
}

void Decoder::backward_attention(size_t index, const SavedLayer& saved, const StagedBatch& batch,
                                 const Matrix& gradient) {
    const DecoderLayer& layer = m_weights.layers[index];
    const int64_t tokens = gradient.rows;
    const Matrix u = m_u.rows(tokens);
    const bool needs_qkv = reaches_below(index, Stage::O);
    Matrix dattention, dqkv;
    if (needs_qkv) {
        const auto taken = m_phases.take(Phase::AttentionBackward, tokens);
        dattention = taken[1];
        dqkv = taken[2];
    }
    const Matrix o_u = u.columns(0, layer.o.rank());
    layer.o.backward_input(dattention, o_u, gradient, saved.o_xa, m_pass);
    layer.o.backward_weights(o_u, gradient, saved.attention, saved.o_xa, m_pass);
    if (!needs_qkv) return;

    const AttentionInput input = rotated_again(layer, saved, batch.position_ids);
    attention_backward(split(dqkv), dattention, input, saved.attention, saved.logsumexp,
                       shape_of(layer), batch.documents);
    unrotate(layer, saved, dqkv, batch);

    const bool needs_normed = reaches_below(index, Stage::Qkv);
    const Matrix dnormed = needs_normed ? m_delta.rows(tokens) : Matrix{};
    const Matrix qkv_u = u.columns(0, layer.qkv.rank());
    layer.qkv.backward_input(dnormed, qkv_u, dqkv, saved.qkv_xa, m_pass);
    if (layer.qkv.is_trained()) {
        const Matrix normed = m_normed.rows(tokens);
        norm_forward(normed, layer.input_norm, saved.input, {}, {}, {});
        layer.qkv.backward_weights(qkv_u, dqkv, normed, saved.qkv_xa, m_pass);
    }
    if (!needs_normed) return;
    norm_backward(gradient, layer.input_norm, dnormed, saved.input, saved.input_rstd);
}

// gradient += the norm's part, in place.
void Decoder::norm_backward(const Matrix& gradient, const Norm& norm, const Matrix& dy,
                            const Matrix& x, const Matrix& rstd) const {
    kernels::rms_norm_backward({.dx = gradient.data,
                                .dweight = norm.gradient(),
                                .dy = dy.data,
                                .x = x.data,
                                .rstd = rstd.floats(),
                                .weight = norm.weight.data,
                                .dresidual = gradient.data,
                                .dtype = gradient.dtype,
                                .weight_dtype = norm.weight.dtype,
                                .tokens = gradient.rows,
                                .cols = gradient.cols,
                                .dx_stride = gradient.stride,
                                .dy_stride = dy.stride,
                                .x_stride = x.stride,
                                .dresidual_stride = gradient.stride});
}

// Takes the rotation and the query and key norms out of dqkv, in place.
void Decoder::unrotate(const DecoderLayer& layer, const SavedLayer& saved, const Matrix& dqkv,
                       const StagedBatch& batch) {
    const core::ModelConfig& config = m_weights.config;
    const AttentionInput gradient = split(dqkv);
    kernels::rope_backward({.q = gradient.q.data,
                            .k = gradient.k.data,
                            .cos = m_rope.cos(),
                            .sin = m_rope.sin(),
                            .position_ids = batch.position_ids,
                            .dtype = dqkv.dtype,
                            .tokens = dqkv.rows,
                            .q_heads = config.num_attention_heads,
                            .k_heads = config.num_key_value_heads,
                            .head_dim = config.head_dim,
                            .rotary_dim = config.rotary_dim,
                            .q_stride = dqkv.stride,
                            .k_stride = dqkv.stride});
    if (!config.qk_norm) return;
    const AttentionInput raw = split(saved.qkv);
    const auto head_norm_backward = [&](const Matrix& d, const Norm& norm, const Matrix& x,
                                        const Matrix& rstd, int64_t heads) {
        kernels::rms_norm_backward({.dx = d.data,
                                    .dweight = norm.gradient(),
                                    .dy = d.data,
                                    .x = x.data,
                                    .rstd = rstd.floats(),
                                    .weight = norm.weight.data,
                                    .dtype = d.dtype,
                                    .weight_dtype = norm.weight.dtype,
                                    .tokens = d.rows,
                                    .heads = heads,
                                    .cols = config.head_dim,
                                    .dx_stride = d.stride,
                                    .dy_stride = d.stride,
                                    .x_stride = x.stride});
    };
    head_norm_backward(gradient.q, layer.q_norm, raw.q, saved.q_rstd, config.num_attention_heads);
    head_norm_backward(gradient.k, layer.k_norm, raw.k, saved.k_rstd, config.num_key_value_heads);
}

}  // namespace dayrun::engine
