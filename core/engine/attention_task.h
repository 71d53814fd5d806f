// What one task of the CPU's attention works with: its working memory, the blocks of queries that a
// document is cut into, and a head's forward and backward. Sums and row work are float32; products
// take a head's rows as float32 or as bfloat16, and probabilities and their gradients in the same.
// Neighbours: attention.cpp runs the heads in parallel, head_attention.cpp does one. Torch-free;
// any thread, each with its own scratch.
#pragma once

#include <algorithm>

#include "core/engine/attention.h"
#include "kernels/causal_softmax/causal_softmax.h"

namespace dayrun::engine {

/// Queries a block: little is wasted above the diagonal, and products still run at full speed.
constexpr int64_t kBlockQueries = 64;

/// Working memory of one kind, kept between calls.
class Scratch {
  public:
    Matrix matrix(int64_t rows, int64_t cols, Dtype dtype = Dtype::Float32) {
        const int64_t bytes = rows * cols * kernels::element_bytes(dtype);
        if (bytes > m_buffer.bytes()) {
            m_buffer = Buffer();
            m_buffer = Buffer(bytes, MemoryPart::Working);
        }
        return dense(m_buffer.data(), rows, cols, dtype);
    }
    int64_t bytes() const { return m_buffer.bytes(); }

  private:
    Buffer m_buffer;
};

enum class AttentionPass { Forward, Backward };

/// The largest head that a call gives to a task.
struct TaskExtent {
    int64_t longest, head_dim, window;
    Dtype multiplied;  // what products take
    bool is_widened;   // rows are widened for them
    AttentionPass pass;
};

struct TaskScratch {
    Scratch scores, dscores, narrow_scores, narrow_dscores, sums, dk, dv;
    Scratch q, k, v, dout, out;  // widened

    /// Takes all the memory that such a head needs: attention_scratch_bytes of the memory plan.
    void prepare(const TaskExtent& extent);
    int64_t bytes() const;
};

/// One block of queries of a document, and the keys that any of them sees.
struct Block {
    int64_t first_query, queries, first_key, keys;

    kernels::CausalBlock causal(const AttentionShape& shape) const {
        return {queries, keys, keys, first_query, first_key, shape.window};
    }
    Matrix queries_of(const Matrix& rows) const { return rows.row_range(first_query, queries); }
    Matrix keys_of(const Matrix& rows) const { return rows.row_range(first_key, keys); }
};

template <class Body>
void for_each_block(int64_t length, const AttentionShape& shape, Body&& body) {
    for (int64_t first = 0; first < length; first += kBlockQueries) {
        const int64_t queries = std::min(kBlockQueries, length - first);
        const int64_t key = shape.window > 0 ? std::max<int64_t>(0, first - shape.window + 1) : 0;
        body(Block{first, queries, key, first + queries - key});
    }
}

float scale_of(const AttentionShape& shape);

/// to = from * factor[row], rounded to the type of `to`.
void store_rows(const Matrix& to, const Matrix& from, const float* factor = nullptr);

/// The views of one query head in a document: out and dq in the activations' type, dk and dv
/// float32, the rest in the type that is multiplied. logsumexp has one value a query.
struct HeadForward {
    Matrix out;
    float* logsumexp;
    int64_t logsumexp_stride;
    Matrix q, k, v;
};
void head_forward(TaskScratch& scratch, const HeadForward& head, const AttentionShape& shape);

struct HeadBackward {
    Matrix dq, dk, dv;  // dk and dv are added to
    Matrix q, k, v, out, dout;
    const float* logsumexp;
    int64_t logsumexp_stride;

    /// delta of causal_softmax.h for the block's queries.
    void write_delta(float* delta, const Block& block) const;
};
void head_backward(TaskScratch& scratch, const HeadBackward& head, const AttentionShape& shape);

}  // namespace dayrun::engine
