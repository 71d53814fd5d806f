// Causal attention inside each document of a packed batch, with grouped heads and sliding windows.
//   out = softmax(scale * q k^T + mask) v, scale = 1 / sqrt(head_dim)
// Query head n reads key head n / (heads / kv_heads). A window w lets position i see the keys
// i-w < j <= i. Neighbour: decoder/forward.cpp and backward.cpp. Lives on the run thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/engine/buffer.h"

namespace dayrun::engine {

struct AttentionShape {
    int64_t heads = 0;
    int64_t kv_heads = 0;
    int64_t head_dim = 0;
    int64_t window = 0;  // 0: full attention
    double scale = 0;    // 0: 1 / sqrt(head_dim)
};

/// The documents on the token axis: [borders[i], borders[i + 1]).
struct Documents {
    std::span<const int32_t> borders;  // [documents + 1], on the host
    const int32_t* staged = nullptr;   // the same where a device's kernels read it
    int32_t longest = 0;
};

/// Rows are tokens. q [T, heads * head_dim], k and v [T, kv_heads * head_dim] may be columns of one
/// matrix.
struct AttentionInput {
    Matrix q, k, v;
};

/// out [T, heads * head_dim]; logsumexp float32 [T, heads], kept for the backward.
void attention_forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                       const AttentionShape& shape, const Documents& documents);

/// gradient.q, .k and .v are overwritten.
void attention_backward(const AttentionInput& gradient, const Matrix& dout,
                        const AttentionInput& input, const Matrix& out, const Matrix& logsumexp,
                        const AttentionShape& shape, const Documents& documents);

/// Gives back the working memory that calls have left for later ones.
void release_attention_scratch();

/// One new query row of one text against its cached keys: out and q [1, heads * head_dim], k and v
/// [keys, kv_heads * head_dim]. The caller leaves out keys beyond the window.
struct DecodeQuery {
    Matrix out;
    AttentionInput input;
};
/// Several texts at once; each gets the bits that it gets alone.
void attention_decode(const std::vector<DecodeQuery>& queries, const AttentionShape& shape);

}  // namespace dayrun::engine
