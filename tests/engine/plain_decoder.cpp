// Bodies of plain_decoder.h: formulas as they stand in the papers, no cleverness.
#include "tests/engine/plain_decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/model/adapter_config.h"
#include "kernels/dropout/dropout.h"
#include "kernels/neftune/neftune.h"
#include "tests/engine/engine_support.h"

namespace dayrun::tests {

using namespace dayrun::core;

namespace {

at::Tensor from_values(const float* values, const std::vector<int64_t>& shape) {
    return at::from_blob(const_cast<float*>(values), shape, at::kFloat).to(at::kDouble).clone();
}

const LinearInfo* find_role(const LayerNames& layer, LinearRole role) {
    for (const LinearInfo& info : layer.linears) {
        if (info.role == role) return &info;
    }
    return nullptr;
}

}  // namespace

PlainDecoder::PlainDecoder(const std::filesystem::path& folder,
                           const engine::ParameterSet& parameters, double scaling)
    : m_config(*read_model_config(folder)), m_map(make_weight_map(m_config)), m_scaling(scaling) {
    const TensorFile file = read_tensors(folder / "model.safetensors");
    for (const auto& [name, values] : file.values) {
        m_tensors[name] = from_values(values.data(), file.shapes.at(name));
    }
    for (const engine::Parameter& parameter : parameters.all()) {
        m_tensors[parameter.name] =
            from_values(parameter.value, parameter.shape).requires_grad_(true);
    }
}

void PlainDecoder::replace(const std::string& name, const std::vector<float>& values) {
    at::Tensor& former = tensor(name);
    former = from_values(values.data(), former.sizes().vec());
}

// The mask of the whole micro-batch's rows, of which this document has a few.
at::Tensor PlainDecoder::dropped(const at::Tensor& x, const std::string& module) const {
    if (m_noise.dropout <= 0) return x;
    int64_t number = 0;
    for (const LinearInfo* const info : m_map.linears()) {
        if (info->module == module) break;
        ++number;
    }
    engine::LinearScratch scratch;
    const engine::LinearPass pass{scratch, m_noise.dropout, m_noise.seed, m_batch->batch_index};
    std::vector<float> mask(static_cast<size_t>(x.numel()), 1.0F);
    kernels::dropout_reference_apply({.out = mask.data(),
                                      .x = mask.data(),
                                      .stream = pass.stream(number),
                                      .probability = m_noise.dropout,
                                      .rows = x.size(0),
                                      .cols = x.size(1),
                                      .first_row = m_first_row});
    return x * from_values(mask.data(), x.sizes().vec());
}

at::Tensor PlainDecoder::embedding_noise(size_t document) const {
    const int64_t hidden = m_config.hidden_size;
    const auto tokens = static_cast<int64_t>(m_batch->tokens.size());
    const int64_t length = m_batch->cu_seqlens[document + 1] - m_first_row;
    double counted = static_cast<double>(m_batch->slot_tokens);
    if (m_noise.neftune_length == NeftuneLength::Document) counted = static_cast<double>(length);
    for (size_t row = 0; row + 1 < m_batch->row_starts.size(); ++row) {
        const auto begin = m_batch->row_starts[row], end = m_batch->row_starts[row + 1];
        const bool is_inside = m_first_row >= begin && m_first_row < end;
        if (m_noise.neftune_length == NeftuneLength::Row && is_inside) counted = end - begin;
    }
    const double width = m_noise.neftune_alpha / std::sqrt(counted * static_cast<double>(hidden));
    const std::vector<float> scale(static_cast<size_t>(tokens), static_cast<float>(width));
    std::vector<float> noise(static_cast<size_t>(tokens * hidden), 0.0F);
    engine::LinearScratch scratch;
    const engine::LinearPass pass{scratch, 0, m_noise.seed, m_batch->batch_index};
    kernels::neftune_reference_add({.x = noise.data(),
                                    .scale = scale.data(),
                                    .stream = pass.stream(engine::LinearPass::kEmbeddingNumber),
                                    .tokens = tokens,
                                    .cols = hidden});
    return from_values(noise.data() + m_first_row * hidden, {length, hidden});
}

at::Tensor PlainDecoder::linear(const at::Tensor& x, const LinearInfo& info) {
    const at::Tensor& weight = tensor(info.module + ".weight");
    at::Tensor y = x.matmul(weight.t());
    if (m_tensors.contains(lora_a_name(info.module))) {
        const at::Tensor& a = tensor(lora_a_name(info.module));
        const at::Tensor& b = tensor(lora_b_name(info.module));
        const at::Tensor seen = dropped(x, info.module);
        const at::Tensor lora = m_scaling * seen.matmul(a.t()).matmul(b.t());
        if (m_tensors.contains(dora_magnitude_name(info.module))) {
            const at::Tensor norm =
                (weight + m_scaling * b.matmul(a)).pow(2).sum(1).sqrt().detach();
            const at::Tensor scale = tensor(dora_magnitude_name(info.module)) / norm;
            y = y + (scale - 1) * seen.matmul(weight.t()) + scale * lora;
        } else {
            y = y + lora;
        }
    }
    if (info.has_bias) y = y + tensor(info.module + ".bias");
    return y;
}

at::Tensor PlainDecoder::norm(const at::Tensor& x, const std::string& name) {
    return x * (x.pow(2).mean(-1, true) + m_config.rms_norm_eps).rsqrt() * tensor(name);
}

// x [T, heads, D], pairs (i, i + D/2).
at::Tensor PlainDecoder::rotate(const at::Tensor& x) const {
    const int64_t half = m_config.head_dim / 2;
    const auto options = at::TensorOptions(at::kDouble);
    const at::Tensor index = at::arange(half, options);
    const auto dim = static_cast<double>(m_config.head_dim);
    const double ratio = static_cast<double>(x.size(0)) /
                         static_cast<double>(std::max<int64_t>(1, m_config.seq_length));
    double theta = m_config.rope_theta;
    if (m_evaluates && m_config.use_dynamic_ntk && ratio > 1) {
        const double alpha = std::pow(2.0, std::ceil(std::log2(ratio) + 1)) - 1;
        theta *= std::pow(alpha, dim / (dim - 2));
    }
    const at::Tensor frequency = at::pow(at::scalar_tensor(theta, options), index * (-2.0 / dim));
    const at::Tensor angle = at::outer(at::arange(x.size(0), options), frequency).unsqueeze(1);
    const at::Tensor a = x.narrow(-1, 0, half), b = x.narrow(-1, half, half);
    return at::cat({a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()}, -1);
}

at::Tensor PlainDecoder::attention(const at::Tensor& x, const LayerNames& layer, int64_t window) {
    const int64_t length = x.size(0), dim = m_config.head_dim;
    const int64_t heads = m_config.num_attention_heads, kv = m_config.num_key_value_heads;
    at::Tensor q, k, v;
    if (const LinearInfo* const fused = find_role(layer, LinearRole::Qkv)) {
        const auto parts = linear(x, *fused).split_with_sizes(
            {m_config.q_size(), m_config.kv_size(), m_config.kv_size()}, -1);
        q = parts[0], k = parts[1], v = parts[2];
    } else {
        q = linear(x, *find_role(layer, LinearRole::Q));
        k = linear(x, *find_role(layer, LinearRole::K));
        v = linear(x, *find_role(layer, LinearRole::V));
    }
    q = q.view({length, heads, dim});
    k = k.view({length, kv, dim});
    v = v.view({length, kv, dim}).repeat_interleave(heads / kv, 1);
    if (!layer.q_norm.empty()) {
        q = norm(q, layer.q_norm);
        k = norm(k, layer.k_norm);
    }
    q = rotate(q);
    if (m_evaluates && m_config.use_logn_attn) {
        // From 1: the queries beyond the training length, longer by their position's logarithm.
        const at::Tensor position = at::arange(1, length + 1, at::TensorOptions(at::kDouble));
        const double shortest = std::log(static_cast<double>(m_config.seq_length));
        q = q * position.log().div(shortest).clamp_min(1.0).view({length, 1, 1});
    }
    k = rotate(k).repeat_interleave(heads / kv, 1);
    at::Tensor scores = at::einsum("ind,jnd->nij", {q, k}) / std::sqrt(static_cast<double>(dim));
    const at::Tensor i = at::arange(length).unsqueeze(1), j = at::arange(length).unsqueeze(0);
    at::Tensor hidden = j > i;
    if (window > 0) hidden = hidden.logical_or(j <= i - window);
    scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
    const at::Tensor out = at::einsum("nij,jnd->ind", {at::softmax(scores, -1), v});
    return linear(out.reshape({length, heads * dim}), *find_role(layer, LinearRole::O));
}

at::Tensor PlainDecoder::document_loss(size_t document) {
    const auto begin = m_batch->cu_seqlens[document], end = m_batch->cu_seqlens[document + 1];
    const std::vector<int32_t> tokens(m_batch->tokens.begin() + begin,
                                      m_batch->tokens.begin() + end);
    const std::vector<int32_t> targets(m_batch->targets.begin() + begin,
                                       m_batch->targets.begin() + end);
    m_first_row = begin;
    const auto ids = [](const std::vector<int32_t>& values) {
        return at::tensor(at::ArrayRef<int32_t>(values), at::kInt).to(at::kLong);
    };
    at::Tensor h = tensor(m_map.embed_tokens).index_select(0, ids(tokens));
    if (m_noise.neftune_alpha > 0) h = h + embedding_noise(document);
    for (size_t l = 0; l < m_map.layers.size(); ++l) {
        const LayerNames& layer = m_map.layers[l];
        h = h + attention(norm(h, layer.input_norm), layer, m_config.sliding_window[l]);
        const at::Tensor x = norm(h, layer.post_attention_norm);
        const at::Tensor gate = linear(x, *find_role(layer, LinearRole::Gate));
        const at::Tensor up = linear(x, *find_role(layer, LinearRole::Up));
        h = h + linear(gate * gate.sigmoid() * up, *find_role(layer, LinearRole::Down));
    }
    const std::string head = m_map.lm_head.empty() ? m_map.embed_tokens : m_map.lm_head;
    const at::Tensor logits = norm(h, m_map.final_norm).matmul(tensor(head).t());
    at::Tensor sum = at::zeros({}, at::kDouble);
    const at::Tensor logprobs = at::log_softmax(logits, -1);
    for (size_t t = 0; t < targets.size(); ++t) {
        if (targets[t] == kIgnoreLabel) continue;
        sum = sum - logprobs.select(0, static_cast<int64_t>(t)).select(0, targets[t]);
    }
    return sum;
}

double PlainDecoder::loss(const PackedBatch& batch, double divisor) {
    m_batch = &batch;
    at::Tensor total = at::zeros({}, at::kDouble);
    for (size_t i = 0; i + 1 < batch.cu_seqlens.size(); ++i) total = total + document_loss(i);
    total = total / divisor;
    if (total.requires_grad()) total.backward();
    return total.item<double>();
}

std::vector<float> PlainDecoder::gradient(const std::string& name) const {
    const at::Tensor& gradient = m_tensors.at(name).grad();
    if (!gradient.defined()) return {};
    const at::Tensor values = gradient.to(at::kFloat).contiguous();
    return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
}

}  // namespace dayrun::tests
