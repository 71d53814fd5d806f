// The decoder's forward for generation: a text's prompt into its cache, then the next tokens of
// several texts against their cached keys and values. Neighbours: forward.cpp (the same
// walk), generate.cpp (which calls it).
#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/base/check.h"
#include "core/engine/decoder/decoder.h"
#include "core/engine/device/accelerator.h"
#include "core/engine/device/host_mirror.h"

namespace dayrun::engine {

KvCache::KvCache(const DecoderWeights& weights, int64_t capacity)
    : m_capacity(capacity), m_cols(weights.config.kv_size()), m_dtype(weights.dtype) {
    const int64_t bytes = capacity * m_cols * kernels::element_bytes(m_dtype);
    for (size_t i = 0; i < weights.layers.size(); ++i) {
        m_keys.emplace_back(bytes, MemoryPart::Cache);
        m_values.emplace_back(bytes, MemoryPart::Cache);
    }
}

Matrix KvCache::keys(size_t layer, int64_t begin, int64_t count) const {
    return dense(m_keys[layer].data(), m_capacity, m_cols, m_dtype).row_range(begin, count);
}

Matrix KvCache::values(size_t layer, int64_t begin, int64_t count) const {
    return dense(m_values[layer].data(), m_capacity, m_cols, m_dtype).row_range(begin, count);
}

HiddenState Decoder::prefill(const std::vector<int32_t>& tokens, KvCache& cache,
                             int64_t ntk_alpha) {
    const auto count = static_cast<int64_t>(tokens.size());
    CHECK(cache.length() == 0 && count <= cache.capacity());
    m_rope.ensure(cache.capacity(), ntk_alpha);
    std::vector<int32_t> positions(tokens.size());
    std::iota(positions.begin(), positions.end(), 0);
    const HiddenState state = run_cached(tokens, positions, {&cache});
    cache.advance(count);
    return state;
}

HiddenState Decoder::decode(const std::vector<int32_t>& tokens, const std::vector<KvCache*>& caches,
                            int64_t ntk_alpha) {
    CHECK(tokens.size() == caches.size());
    std::vector<int32_t> positions;
    for (const KvCache* cache : caches) {
        CHECK(cache->length() > 0 && cache->length() < cache->capacity());
        m_rope.ensure(cache->capacity(), ntk_alpha);
        positions.push_back(static_cast<int32_t>(cache->length()));
    }
    const HiddenState state = run_cached(tokens, positions, caches);
    for (KvCache* cache : caches) cache->advance(1);
    return state;
}

HiddenState Decoder::run_cached(const std::vector<int32_t>& tokens,
                                const std::vector<int32_t>& positions,
                                const std::vector<KvCache*>& caches) {
    const auto count = static_cast<int64_t>(tokens.size());
    m_pass.dropout = 0.0F;
    begin_stage();
    const int32_t* const token_ids = stage(tokens);
    const CachedRows rows{positions, stage(positions)};
    const Matrix delta = m_delta.rows(count);
    const Matrix normed = m_normed.rows(count);
    HiddenState state;
    for (size_t i = 0; i < m_weights.layers.size(); ++i) {
        const DecoderLayer& layer = m_weights.layers[i];
        const SavedLayer saved = saved_rows(i, count, false);
        if (i == 0) {
            embed(saved.input, token_ids);
            norm_forward(normed, layer.input_norm, saved.input, {}, {}, saved.input_rstd);
        } else {
            norm_forward(normed, layer.input_norm, delta, state.residual, saved.input,
                         saved.input_rstd);
        }
        layer.qkv.forward(saved.qkv, saved.qkv_xa, normed, m_pass);
        attend_cached(i, saved, rows, caches);
        layer.o.forward(delta, saved.o_xa, saved.attention, m_pass);
        forward_mlp(layer, saved);
        state = {saved.middle, delta};
    }
    return state;
}

namespace {

void copy_rows(const Matrix& to, const Matrix& from) {
    if (Accelerator* const device = accelerator()) return device->copy_rows(to, from);
    const auto bytes = static_cast<size_t>(from.cols * kernels::element_bytes(from.dtype));
    for (int64_t row = 0; row < from.rows; ++row) {
        std::memcpy(to.row_range(row, 1).data, from.row_range(row, 1).data, bytes);
    }
}

}  // namespace

// Only Qwen 1 beyond its training length has factors: nothing else pays for the walk over the host.
void Decoder::scale_queries(const Matrix& q, const std::vector<int32_t>& positions) const {
    const int64_t longest = *std::max_element(positions.begin(), positions.end());
    if (logn_scale(m_weights.config, longest) == 1) return;
    const int64_t last_row = (q.rows - 1) * q.stride + q.cols;
    const HostMirror mirror(q.data, last_row * kernels::element_bytes(q.dtype), MirrorUse::Change);
    kernels::with_dtype(q.dtype, [&](auto element) {
        using T = decltype(element);
        for (int64_t row = 0; row < q.rows; ++row) {
            const float factor = logn_scale(m_weights.config, positions[static_cast<size_t>(row)]);
            if (factor == 1) continue;
            auto* const values = static_cast<T*>(mirror.data()) + row * q.stride;
            for (int64_t i = 0; i < q.cols; ++i) {
                values[i] = kernels::round_to<T>(kernels::to_float(values[i]) * factor);
            }
        }
    });
}

// One text's whole prompt, or the next token of each of several texts.
void Decoder::attend_cached(size_t index, const SavedLayer& saved, const CachedRows& rows,
                            const std::vector<KvCache*>& caches) {
    const DecoderLayer& layer = m_weights.layers[index];
    const std::vector<int32_t>& positions = rows.positions;
    const AttentionInput input = rotate(layer, saved, rows.staged_positions);
    scale_queries(input.q, positions);
    if (caches.front()->length() == 0) {
        const auto count = static_cast<int64_t>(positions.size());
        copy_rows(caches.front()->keys(index, 0, count), input.k);
        copy_rows(caches.front()->values(index, 0, count), input.v);
        const std::vector<int32_t> borders = {0, static_cast<int32_t>(count)};
        attention_forward(saved.attention, saved.logsumexp, input, shape_of(layer),
                          {borders, stage(borders), static_cast<int32_t>(count)});
        return;
    }
    std::vector<DecodeQuery> queries;
    for (size_t i = 0; i < caches.size(); ++i) {
        const KvCache& cache = *caches[i];
        const auto row = static_cast<int64_t>(i);
        copy_rows(cache.keys(index, cache.length(), 1), input.k.row_range(row, 1));
        copy_rows(cache.values(index, cache.length(), 1), input.v.row_range(row, 1));
        const int64_t keys = cache.length() + 1;
        const int64_t first = layer.window > 0 ? std::max<int64_t>(0, keys - layer.window) : 0;
        queries.push_back({saved.attention.row_range(row, 1),
                           {input.q.row_range(row, 1), cache.keys(index, first, keys - first),
                            cache.values(index, first, keys - first)}});
    }
    attention_decode(queries, shape_of(layer));
}

}  // namespace dayrun::engine
