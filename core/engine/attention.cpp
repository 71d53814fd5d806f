// Attention per document over libtorch's flash attention for CPUs; keys of grouped heads are never
// repeated.
// Neighbour: attention.h.
#include "core/engine/attention.h"

#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sum.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/common/parallel.h"

namespace dayrun::engine {
namespace {

at::ScalarType type_of(Dtype dtype) {
    return dtype == Dtype::Float32 ? at::kFloat : at::kBFloat16;
}

// The ops want [batch, heads, tokens, dim]. With the key heads as the batch and the queries of one
// key head as its heads, a key's stride over heads is 0: grouped heads without a copy.
at::Tensor query_heads(const Matrix& m, const AttentionShape& shape, int64_t begin,
                       int64_t length) {
    const int64_t group = shape.heads / shape.kv_heads;
    const Matrix rows = m.row_range(begin, length);
    return at::from_blob(rows.data, {shape.kv_heads, group, length, shape.head_dim},
                         {group * shape.head_dim, shape.head_dim, m.stride, 1},
                         at::TensorOptions(type_of(m.dtype)));
}

at::Tensor key_heads(const Matrix& m, const AttentionShape& shape, int64_t begin, int64_t length,
                     int64_t group) {
    const Matrix rows = m.row_range(begin, length);
    return at::from_blob(rows.data, {shape.kv_heads, group, length, shape.head_dim},
                         {shape.head_dim, 0, m.stride, 1}, at::TensorOptions(type_of(m.dtype)));
}

at::Tensor head_sums(const Matrix& m, const AttentionShape& shape, int64_t begin, int64_t length) {
    const int64_t group = shape.heads / shape.kv_heads;
    const Matrix rows = m.row_range(begin, length);
    return at::from_blob(rows.data, {shape.kv_heads, group, length}, {group, 1, m.stride},
                         at::TensorOptions(at::kFloat));
}

// What a document longer than the window may see, added to the scores [1, 1, L, L].
at::Tensor window_mask(int64_t length, int64_t window) {
    at::Tensor mask = at::full({1, 1, length, length}, -std::numeric_limits<float>::infinity(),
                               at::TensorOptions(at::kFloat));
    auto* const values = mask.mutable_data_ptr<float>();
    for (int64_t i = 0; i < length; ++i) {
        const int64_t first = std::max<int64_t>(0, i - window + 1);
        std::fill(values + i * length + first, values + i * length + i + 1, 0.0F);
    }
    return mask;
}

template <class Body>
void for_each_document(const std::vector<int32_t>& cu_seqlens, Body&& body) {
    for (size_t i = 0; i + 1 < cu_seqlens.size(); ++i) {
        const int64_t length = cu_seqlens[i + 1] - cu_seqlens[i];
        if (length > 0) body(int64_t{cu_seqlens[i]}, length);
    }
}

std::optional<at::Tensor> mask_for(const AttentionShape& shape, int64_t length) {
    if (shape.window <= 0 || length <= shape.window) return std::nullopt;
    return window_mask(length, shape.window);
}

std::optional<double> scale_of(const AttentionShape& shape) {
    if (shape.scale == 0) return std::nullopt;
    return shape.scale;
}

}  // namespace

void attention_forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                       const AttentionShape& shape, const std::vector<int32_t>& cu_seqlens) {
    const int64_t group = shape.heads / shape.kv_heads;
    for_each_document(cu_seqlens, [&](int64_t begin, int64_t length) {
        const auto [attended, sums] = at::_scaled_dot_product_flash_attention_for_cpu(
            query_heads(input.q, shape, begin, length),
            key_heads(input.k, shape, begin, length, group),
            key_heads(input.v, shape, begin, length, group), 0.0, true, mask_for(shape, length),
            scale_of(shape));
        query_heads(out, shape, begin, length).copy_(attended);
        head_sums(logsumexp, shape, begin, length).copy_(sums);
    });
}

void attention_backward(const AttentionInput& gradient, const Matrix& dout,
                        const AttentionInput& input, const Matrix& out, const Matrix& logsumexp,
                        const AttentionShape& shape, const std::vector<int32_t>& cu_seqlens) {
    const int64_t group = shape.heads / shape.kv_heads;
    for_each_document(cu_seqlens, [&](int64_t begin, int64_t length) {
        const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
            query_heads(dout, shape, begin, length), query_heads(input.q, shape, begin, length),
            key_heads(input.k, shape, begin, length, group),
            key_heads(input.v, shape, begin, length, group), query_heads(out, shape, begin, length),
            head_sums(logsumexp, shape, begin, length), 0.0, true, mask_for(shape, length),
            scale_of(shape));
        query_heads(gradient.q, shape, begin, length).copy_(dq);
        key_heads(gradient.k, shape, begin, length, 1).copy_(dk.sum(1, true));
        key_heads(gradient.v, shape, begin, length, 1).copy_(dv.sum(1, true));
    });
}

namespace {

template <class T>
void decode(const Matrix& out, const AttentionInput& input, const AttentionShape& shape) {
    const int64_t group = shape.heads / shape.kv_heads, dim = shape.head_dim;
    const float scale = static_cast<float>(
        shape.scale != 0 ? shape.scale : 1.0 / std::sqrt(static_cast<double>(dim)));
    kernels::parallel_for(shape.heads, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> scores(static_cast<size_t>(input.k.rows));
        std::vector<float> sum(static_cast<size_t>(dim));
        for (int64_t h = begin; h < end; ++h) {
            const auto* const q = static_cast<const T*>(input.q.data) + h * dim;
            float highest = -std::numeric_limits<float>::infinity();
            for (int64_t j = 0; j < input.k.rows; ++j) {
                const auto* const k =
                    static_cast<const T*>(input.k.row_range(j, 1).data) + h / group * dim;
                float dot = 0;
                for (int64_t d = 0; d < dim; ++d) {
                    dot += kernels::to_float(q[d]) * kernels::to_float(k[d]);
                }
                scores[static_cast<size_t>(j)] = dot * scale;
                highest = std::max(highest, dot * scale);
            }
            float total = 0;
            std::fill(sum.begin(), sum.end(), 0.0F);
            for (int64_t j = 0; j < input.v.rows; ++j) {
                const auto* const v =
                    static_cast<const T*>(input.v.row_range(j, 1).data) + h / group * dim;
                const float p = std::exp(scores[static_cast<size_t>(j)] - highest);
                total += p;
                for (int64_t d = 0; d < dim; ++d) {
                    sum[static_cast<size_t>(d)] += p * kernels::to_float(v[d]);
                }
            }
            auto* const to = static_cast<T*>(out.data) + h * dim;
            for (int64_t d = 0; d < dim; ++d) {
                to[d] = kernels::round_to<T>(sum[static_cast<size_t>(d)] / total);
            }
        }
    });
}

}  // namespace

void attention_decode(const Matrix& out, const AttentionInput& input, const AttentionShape& shape) {
    (out.dtype == Dtype::Float32 ? decode<float> : decode<bfloat16>)(out, input, shape);
}

}  // namespace dayrun::engine
