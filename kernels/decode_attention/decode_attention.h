// Attention of one new query per text against the text's cached keys, with grouped heads.
//   out[h] = sum over j of softmax_j(scale * q[h] . k[j, g]) v[j, g],  g = h / (heads / kv_heads)
// Texts of any length side by side; each head of each text is one task with one order of sums, so
// a text gets the same bits alone and in a batch. Bytes: keys and values of each text once per
// query head. Neighbour: core/engine/decoder/cached.cpp. The threads are those of parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// One text: a row of queries, and the keys and values it sees.
struct DecodeText {
    void* out = nullptr;      // [heads * head_dim]
    const void* q = nullptr;  // [heads * head_dim]
    const void* k = nullptr;  // [keys, kv_heads * head_dim]
    const void* v = nullptr;  // [keys, kv_heads * head_dim]
    int64_t keys = 0;         // at least 1
};

struct DecodeAttention {
    const DecodeText* texts = nullptr;
    int64_t text_count = 0;
    Dtype dtype = Dtype::Float32;
    int64_t heads = 0;
    int64_t kv_heads = 0;
    int64_t head_dim = 0;
    int64_t kv_stride = 0;  // 0: kv_heads * head_dim
    float scale = 1.0f;
};

void decode_attention(const DecodeAttention& params);

/// Plain loops in float64, rounded once.
void decode_attention_reference(const DecodeAttention& params);

}  // namespace dayrun::kernels
