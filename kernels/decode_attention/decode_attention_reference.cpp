// Plain loops: the definition of right for decode_attention.h. Any thread.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/decode_attention/decode_attention.h"

namespace dayrun::kernels {
namespace {

template <class T>
void attend(const DecodeAttention& p, const DecodeText& text, int64_t head) {
    const int64_t stride = p.kv_stride > 0 ? p.kv_stride : p.kv_heads * p.head_dim;
    const int64_t group = head / (p.heads / p.kv_heads);
    const T* q = static_cast<const T*>(text.q) + head * p.head_dim;
    const T* k = static_cast<const T*>(text.k) + group * p.head_dim;
    const T* v = static_cast<const T*>(text.v) + group * p.head_dim;
    std::vector<double> weights;
    double highest = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < text.keys; ++j) {
        double dot = 0;
        for (int64_t d = 0; d < p.head_dim; ++d) {
            dot += static_cast<double>(to_float(q[d])) *
                   static_cast<double>(to_float(k[j * stride + d]));
        }
        weights.push_back(dot * static_cast<double>(p.scale));
        highest = std::max(highest, weights.back());
    }
    double total = 0;
    for (double& weight : weights) total += weight = std::exp(weight - highest);
    T* out = static_cast<T*>(text.out) + head * p.head_dim;
    for (int64_t d = 0; d < p.head_dim; ++d) {
        double sum = 0;
        for (int64_t j = 0; j < text.keys; ++j) {
            sum +=
                weights[static_cast<size_t>(j)] * static_cast<double>(to_float(v[j * stride + d]));
        }
        out[d] = round_to<T>(static_cast<float>(sum / total));
    }
}

}  // namespace

void decode_attention_reference(const DecodeAttention& params) {
    with_dtype(params.dtype, [&](auto element) {
        for (int64_t i = 0; i < params.text_count; ++i) {
            for (int64_t head = 0; head < params.heads; ++head) {
                attend<decltype(element)>(params, params.texts[i], head);
            }
        }
    });
}

}  // namespace dayrun::kernels
