// The decoder's forward for generation: new tokens of one text against the cached keys and values.
// The first call takes the whole prompt, later ones a token each. Neighbours: forward.cpp (the same
// walk), generate.cpp (which calls it).
#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/engine/decoder/decoder.h"

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

HiddenState Decoder::forward_cached(const std::vector<int32_t>& tokens, KvCache& cache) {
    const auto count = static_cast<int64_t>(tokens.size());
    CHECK(cache.length() == 0 || count == 1);
    CHECK(cache.length() + count <= cache.capacity());
    m_rope.ensure(cache.capacity());
    std::vector<int32_t> positions;
    for (int64_t i = 0; i < count; ++i) {
        positions.push_back(static_cast<int32_t>(cache.length() + i));
    }
    const Matrix delta = m_delta.rows(count);
    const Matrix normed = m_normed.rows(count);
    HiddenState state;
    for (size_t i = 0; i < m_weights.layers.size(); ++i) {
        const DecoderLayer& layer = m_weights.layers[i];
        const SavedLayer saved = saved_rows(i, count, false);
        if (i == 0) {
            embed(saved.input, tokens);
            norm_forward(normed, layer.input_norm, saved.input, {}, {}, saved.input_rstd);
        } else {
            norm_forward(normed, layer.input_norm, delta, state.residual, saved.input,
                         saved.input_rstd);
        }
        layer.qkv.forward(saved.qkv, saved.qkv_xa, normed);
        attend_cached(i, saved, positions, cache);
        layer.o.forward(delta, saved.o_xa, saved.attention);
        forward_mlp(layer, saved);
        state = {saved.middle, delta};
    }
    cache.advance(count);
    return state;
}

void Decoder::attend_cached(size_t index, const SavedLayer& saved,
                            const std::vector<int32_t>& positions, KvCache& cache) {
    const DecoderLayer& layer = m_weights.layers[index];
    const auto count = static_cast<int64_t>(positions.size());
    const AttentionInput input = rotate(layer, saved, positions);
    const auto store = [&](const Matrix& to, const Matrix& from) {
        const int64_t bytes = from.cols * kernels::element_bytes(from.dtype);
        for (int64_t row = 0; row < from.rows; ++row) {
            std::memcpy(to.row_range(row, 1).data, from.row_range(row, 1).data,
                        static_cast<size_t>(bytes));
        }
    };
    store(cache.keys(index, cache.length(), count), input.k);
    store(cache.values(index, cache.length(), count), input.v);
    if (cache.length() == 0) {
        attention_forward(saved.attention, saved.logsumexp, input, shape_of(layer),
                          {0, static_cast<int32_t>(count)});
        return;
    }
    const int64_t keys = cache.length() + count;
    const int64_t first = layer.window > 0 ? std::max<int64_t>(0, keys - layer.window) : 0;
    const AttentionInput cached{input.q, cache.keys(index, first, keys - first),
                                cache.values(index, first, keys - first)};
    attention_decode(saved.attention, cached, shape_of(layer));
}

}  // namespace dayrun::engine
