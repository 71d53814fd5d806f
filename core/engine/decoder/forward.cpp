// The decoder's forward: one call a line, in the order of the formula in decoder.h.
// Neighbours: backward.cpp walks the same line back; the kernels do the work between products.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/check.h"
#include "core/engine/decoder/decoder.h"
#include "kernels/embedding/embedding.h"
#include "kernels/neftune/neftune.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"

namespace dayrun::engine {

HiddenState Decoder::forward(const StagedBatch& batch) {
    return run_forward(batch, false, {});
}

HiddenState Decoder::forward_for_training(const StagedBatch& batch, const TrainingNoise& noise) {
    return run_forward(batch, true, noise);
}

HiddenState Decoder::run_forward(const StagedBatch& batch, bool keeps, const TrainingNoise& noise) {
    m_pass.dropout = noise.dropout;
    m_pass.seed = noise.seed;
    m_pass.batch_index = batch.batch->batch_index;
    const int64_t tokens = batch.tokens;
    const int64_t longest = batch.documents.longest;
    m_rope.ensure(longest, keeps ? 1 : dynamic_ntk_alpha(m_weights.config, longest));
    // The largest of the layers' phases first: a block that grows leaves a hole behind.
    if (keeps && reaches_below(m_weights.layers.size() - 1, Stage::O)) {
        m_phases.take(Phase::AttentionBackward, tokens);
    }
    const Matrix delta = m_delta.rows(tokens);
    const Matrix normed = m_normed.rows(tokens);
    HiddenState state;
    for (size_t i = 0; i < m_weights.layers.size(); ++i) {
        const DecoderLayer& layer = m_weights.layers[i];
        // Below the lowest trained module nothing is ever asked for again.
        const bool is_reached = m_trains_embedding || static_cast<int64_t>(i) >= m_lowest_layer;
        const SavedLayer saved = saved_rows(i, tokens, keeps && is_reached);
        if (i == 0) {
            embed(saved.input, batch.token_ids);
            if (noise.neftune_alpha > 0) add_embedding_noise(saved.input, *batch.batch, noise);
            norm_forward(normed, layer.input_norm, saved.input, {}, {}, saved.input_rstd);
        } else {
            norm_forward(normed, layer.input_norm, delta, state.residual, saved.input,
                         saved.input_rstd);
        }
        forward_attention(layer, saved, batch, keeps);
        forward_mlp(layer, saved);
        if (keeps && is_reached && m_plan[i] == Keep::Offload) offload(i, saved.input);
        state = {saved.middle, delta};
    }
    return state;
}

void Decoder::embed(const Matrix& out, const int32_t* token_ids) const {
    kernels::embedding_forward({.out = out.data,
                                .table = m_weights.embedding.data,
                                .token_ids = token_ids,
                                .dtype = out.dtype,
                                .table_dtype = m_weights.embedding.dtype,
                                .tokens = out.rows,
                                .cols = out.cols,
                                .vocab = m_weights.embedding.rows,
                                .out_stride = out.stride});
}

// L is the length of the token's document or row, or that of the whole micro-batch: its slots, as
// a padded batch has them.
void Decoder::add_embedding_noise(const Matrix& out, const core::PackedBatch& batch,
                                  const TrainingNoise& noise) {
    // Staged as ids are: the same 32 bits.
    m_noise_scale.assign(batch.tokens.size(), 0);
    const auto fill = [&](int64_t begin, int64_t end, int64_t length) {
        const double width =
            noise.neftune_alpha / std::sqrt(static_cast<double>(length * out.cols));
        std::fill(m_noise_scale.begin() + begin, m_noise_scale.begin() + end,
                  std::bit_cast<int32_t>(static_cast<float>(width)));
    };
    const bool by_document = noise.neftune_length == core::NeftuneLength::Document;
    const std::vector<int32_t>& borders = by_document ? batch.cu_seqlens : batch.row_starts;
    if (noise.neftune_length == core::NeftuneLength::MicroBatch) {
        fill(0, out.rows, std::max<int64_t>(batch.slot_tokens, out.rows));
    } else {
        for (size_t i = 0; i + 1 < borders.size(); ++i) {
            fill(borders[i], borders[i + 1], borders[i + 1] - borders[i]);
        }
    }
    kernels::neftune_add({.x = out.data,
                          .scale = reinterpret_cast<const float*>(stage(m_noise_scale)),
                          .stream = m_pass.stream(LinearPass::kEmbeddingNumber),
                          .dtype = out.dtype,
                          .tokens = out.rows,
                          .cols = out.cols,
                          .stride = out.stride});
}

// Reads the normed input in m_normed; leaves the attention block's output in m_delta.
void Decoder::forward_attention(const DecoderLayer& layer, const SavedLayer& saved,
                                const StagedBatch& batch, bool trains) {
    const int64_t tokens = saved.qkv.rows;
    layer.qkv.forward(saved.qkv, saved.qkv_xa, m_normed.rows(tokens), m_pass);
    const AttentionInput input = rotate(layer, saved, batch.position_ids);
    if (!trains) scale_queries(input.q, batch.batch->position_ids);
    attention_forward(saved.attention, saved.logsumexp, input, shape_of(layer), batch.documents);
    layer.o.forward(m_delta.rows(tokens), saved.o_xa, saved.attention, m_pass);
}

// Adds m_delta to the residual stream; leaves the MLP's output in m_delta.
void Decoder::forward_mlp(const DecoderLayer& layer, const SavedLayer& saved) {
    const Matrix activated = activate(layer, saved);
    layer.down.forward(m_delta.rows(activated.rows), saved.down_xa, activated, m_pass);
}

// The MLP up to the input of its last product, from the attention's delta.
Matrix Decoder::activate(const DecoderLayer& layer, const SavedLayer& saved) {
    const int64_t tokens = saved.input.rows;
    const Matrix delta = m_delta.rows(tokens);
    const Matrix normed = m_normed.rows(tokens);
    const Matrix activated = m_phases.take(Phase::Mlp, tokens)[0];
    norm_forward(normed, layer.post_attention_norm, delta, saved.input, saved.middle,
                 saved.middle_rstd);
    layer.gate_up.forward(saved.gate_up, saved.gate_up_xa, normed, m_pass);
    const int64_t width = activated.cols;
    kernels::swiglu_forward({.out = activated.data,
                             .gate = saved.gate_up.columns(layer.gate_begin, width).data,
                             .up = saved.gate_up.columns(layer.up_begin, width).data,
                             .dtype = activated.dtype,
                             .rows = tokens,
                             .cols = width,
                             .gate_stride = saved.gate_up.stride,
                             .up_stride = saved.gate_up.stride});
    return activated;
}

// Rotates queries and keys where they lie. With query and key norms the backward needs them as
// they were, so the normed and rotated ones go to working memory and are made again later.
AttentionInput Decoder::rotate(const DecoderLayer& layer, const SavedLayer& saved,
                               const int32_t* position_ids) {
    const core::ModelConfig& config = m_weights.config;
    AttentionInput input = split(saved.qkv);
    if (config.qk_norm) {
        const Matrix rotated = m_phases.take(Phase::Attention, saved.qkv.rows)[0];
        const Matrix q = rotated.columns(0, config.q_size());
        const Matrix k = rotated.columns(config.q_size(), config.kv_size());
        head_norm_forward(q, layer.q_norm, input.q, config.num_attention_heads, saved.q_rstd);
        head_norm_forward(k, layer.k_norm, input.k, config.num_key_value_heads, saved.k_rstd);
        input.q = q;
        input.k = k;
    }
    kernels::rope_forward({.q = input.q.data,
                           .k = input.k.data,
                           .cos = m_rope.cos(),
                           .sin = m_rope.sin(),
                           .position_ids = position_ids,
                           .dtype = input.q.dtype,
                           .tokens = input.q.rows,
                           .q_heads = config.num_attention_heads,
                           .k_heads = config.num_key_value_heads,
                           .head_dim = config.head_dim,
                           .rotary_dim = config.rotary_dim,
                           .q_stride = input.q.stride,
                           .k_stride = input.k.stride});
    return input;
}

AttentionInput Decoder::rotated_again(const DecoderLayer& layer, const SavedLayer& saved,
                                      const int32_t* position_ids) {
    if (m_weights.config.qk_norm) return rotate(layer, saved, position_ids);
    return split(saved.qkv);
}

void Decoder::norm_forward(const Matrix& y, const Norm& norm, const Matrix& x,
                           const Matrix& residual, const Matrix& h, const Matrix& rstd) const {
    kernels::rms_norm_forward({.y = y.data,
                               .h = h.data,
                               .rstd = rstd.floats(),
                               .x = x.data,
                               .residual = residual.data,
                               .weight = norm.weight.data,
                               .dtype = y.dtype,
                               .weight_dtype = norm.weight.dtype,
                               .tokens = y.rows,
                               .cols = y.cols,
                               .y_stride = y.stride,
                               .h_stride = h.stride,
                               .x_stride = x.stride,
                               .residual_stride = residual.stride,
                               .eps = static_cast<float>(m_weights.config.rms_norm_eps)});
}

void Decoder::head_norm_forward(const Matrix& y, const Norm& norm, const Matrix& x, int64_t heads,
                                const Matrix& rstd) const {
    kernels::rms_norm_forward({.y = y.data,
                               .rstd = rstd.floats(),
                               .x = x.data,
                               .weight = norm.weight.data,
                               .dtype = y.dtype,
                               .weight_dtype = norm.weight.dtype,
                               .tokens = y.rows,
                               .heads = heads,
                               .cols = m_weights.config.head_dim,
                               .y_stride = y.stride,
                               .x_stride = x.stride,
                               .eps = static_cast<float>(m_weights.config.rms_norm_eps)});
}

}  // namespace dayrun::engine
