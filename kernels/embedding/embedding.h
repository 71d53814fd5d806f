// Token embedding: gather rows of the table, and for full training the scatter-add of their
// gradients. The scatter runs over slices of columns, every slice walking the tokens in order,
// so equal tokens are added in the same order under any thread count.
// Neighbour: core/engine/decoder. Any thread; parallel inside through parallel.h.
#pragma once

#include <cstdint>

#include "kernels/common/dtype.h"

namespace dayrun::kernels {

/// A token id outside [0, vocab) gives a row of NaN, which the finiteness check then refuses.
struct EmbeddingForward {
    void* out = nullptr;                 // out [tokens, cols] dtype
    const void* table = nullptr;         // [vocab, cols] table_dtype
    const int32_t* token_ids = nullptr;  // [tokens]
    Dtype dtype = Dtype::Float32;
    Dtype table_dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t cols = 0;
    int64_t vocab = 0;
    int64_t out_stride = 0;  // elements between tokens; 0 means cols
};

/// Token ids outside [0, vocab) are left out (their forward row was NaN already).
struct EmbeddingBackward {
    float* dtable = nullptr;             // in and out [vocab, cols]: added to
    const void* dout = nullptr;          // [tokens, cols] dtype
    const int32_t* token_ids = nullptr;  // [tokens]
    Dtype dtype = Dtype::Float32;
    int64_t tokens = 0;
    int64_t cols = 0;
    int64_t vocab = 0;
    int64_t dout_stride = 0;  // elements between tokens; 0 means cols
};

/// Bytes moved: 2 * tokens * cols elements.
void embedding_forward(const EmbeddingForward& params);
/// Bytes moved: tokens * cols elements and 8 bytes per element of a touched row.
void embedding_backward(const EmbeddingBackward& params);

void embedding_reference_forward(const EmbeddingForward& params);
void embedding_reference_backward(const EmbeddingBackward& params);

}  // namespace dayrun::kernels
