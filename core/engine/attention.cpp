// Attention in blocks of queries: products by sgemm, the row work by kernels/causal_softmax.
// Scores, sums and gradients are float32 whatever the activations are, so bfloat16 rounds only
// inputs and outputs. Heads run in parallel; every sum has one fixed order. Neighbour: attention.h.
#include "core/engine/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "core/engine/device/accelerator.h"
#include "core/engine/linear/gemm.h"
#include "kernels/causal_softmax/causal_softmax.h"
#include "kernels/common/parallel.h"
#include "kernels/decode_attention/decode_attention.h"
#include "kernels/scaled_rows/scaled_rows.h"

namespace dayrun::engine {
namespace {

// Queries a block: little is wasted above the diagonal, and sgemm still runs at full speed.
constexpr int64_t kQueries = 64;

/// float32 working memory of one task, kept between calls.
class Scratch {
  public:
    Matrix matrix(int64_t rows, int64_t cols) {
        const int64_t bytes = rows * cols * 4;
        if (bytes > m_buffer.bytes()) {
            m_buffer = Buffer();
            m_buffer = Buffer(bytes, MemoryPart::Working);
        }
        return dense(m_buffer.data(), rows, cols, Dtype::Float32);
    }

  private:
    Buffer m_buffer;
};

struct TaskScratch {
    Scratch scores, dscores, q, k, v, dout, out, dq, dk, dv;
};

/// As many as there were tasks at once. They belong to no thread, so that all of them can be given
/// back when an engine ends.
class ScratchPool {
  public:
    std::unique_ptr<TaskScratch> take() {
        const std::lock_guard lock(m_mutex);
        if (m_free.empty()) return std::make_unique<TaskScratch>();
        std::unique_ptr<TaskScratch> scratch = std::move(m_free.back());
        m_free.pop_back();
        return scratch;
    }
    void give_back(std::unique_ptr<TaskScratch> scratch) {
        const std::lock_guard lock(m_mutex);
        m_free.push_back(std::move(scratch));
    }
    void clear() {
        const std::lock_guard lock(m_mutex);
        m_free.clear();
    }

  private:
    std::mutex m_mutex;
    std::vector<std::unique_ptr<TaskScratch>> m_free;
};

ScratchPool& scratch_pool() {
    static ScratchPool s_pool;
    return s_pool;
}

// to = from * factor[row], rounded to the type of `to`.
void store_rows(const Matrix& to, const Matrix& from, const float* factor = nullptr) {
    kernels::scaled_rows({.out = to.data,
                          .x = from.data,
                          .factor = factor,
                          .out_dtype = to.dtype,
                          .x_dtype = from.dtype,
                          .rows = to.rows,
                          .cols = to.cols,
                          .out_stride = to.stride,
                          .x_stride = from.stride});
}

// The rows as float32: themselves, or widened into the scratch.
Matrix widened(const Matrix& m, Scratch& scratch) {
    if (m.dtype == Dtype::Float32) return m;
    const Matrix wide = scratch.matrix(m.rows, m.cols);
    store_rows(wide, m);
    return wide;
}

float scale_of(const AttentionShape& shape) {
    if (shape.scale != 0) return static_cast<float>(shape.scale);
    return static_cast<float>(1.0 / std::sqrt(static_cast<double>(shape.head_dim)));
}

/// One block of queries of a document, and the keys that any of them sees.
struct Block {
    int64_t first_query, queries, first_key, keys;

    kernels::CausalBlock causal(const AttentionShape& shape) const {
        return {queries, keys, keys, first_query, first_key, shape.window};
    }
};

template <class Body>
void for_each_block(int64_t length, const AttentionShape& shape, Body&& body) {
    for (int64_t first = 0; first < length; first += kQueries) {
        const int64_t queries = std::min(kQueries, length - first);
        const int64_t key = shape.window > 0 ? std::max<int64_t>(0, first - shape.window + 1) : 0;
        body(Block{first, queries, key, first + queries - key});
    }
}

/// Runs body(scratch, first row, length, head) for every document and head, in parallel.
template <class Body>
void for_each_head(std::span<const int32_t> borders, int64_t heads, Body&& body) {
    const auto documents = static_cast<int64_t>(borders.size()) - 1;
    kernels::parallel_for(documents * heads, 1, [&](int64_t begin, int64_t end) {
        std::unique_ptr<TaskScratch> scratch = scratch_pool().take();
        for (int64_t i = begin; i < end; ++i) {
            const auto document = static_cast<size_t>(i / heads);
            const int64_t first = borders[document];
            const int64_t length = borders[document + 1] - first;
            if (length > 0) body(*scratch, first, length, i % heads);
        }
        scratch_pool().give_back(std::move(scratch));
    });
}

Matrix head_rows(const Matrix& m, int64_t first, int64_t length, int64_t head, int64_t dim) {
    return m.row_range(first, length).columns(head * dim, dim);
}

void head_forward(TaskScratch& scratch, const Matrix& out, float* logsumexp,
                  int64_t logsumexp_stride, const Matrix& q, const Matrix& k, const Matrix& v,
                  const AttentionShape& shape) {
    float total[kQueries];
    for_each_block(q.rows, shape, [&](const Block& block) {
        const Matrix scores = scratch.scores.matrix(block.queries, block.keys);
        const Matrix sums = scratch.out.matrix(block.queries, shape.head_dim);
        block_nt(scores, q.row_range(block.first_query, block.queries),
                 k.row_range(block.first_key, block.keys), scale_of(shape), 0.0F);
        kernels::causal_softmax_forward(scores.floats(), total,
                                        logsumexp + block.first_query * logsumexp_stride,
                                        logsumexp_stride, block.causal(shape));
        block_nn(sums, scores, v.row_range(block.first_key, block.keys), 1.0F, 0.0F);
        for (int64_t row = 0; row < block.queries; ++row) total[row] = 1.0F / total[row];
        store_rows(out.row_range(block.first_query, block.queries), sums, total);
    });
}

/// The views of one query head; q, k, v, out and dout are float32.
struct HeadGradient {
    Matrix dq;      // overwritten, in the activations' type
    Matrix dk, dv;  // float32, added to
    Matrix q, k, v, out, dout;
    const float* logsumexp;
    int64_t logsumexp_stride;
};

void head_backward(TaskScratch& scratch, const HeadGradient& head, const AttentionShape& shape) {
    float delta[kQueries];
    const float scale = scale_of(shape);
    for_each_block(head.q.rows, shape, [&](const Block& block) {
        const Matrix q = head.q.row_range(block.first_query, block.queries);
        const Matrix dout = head.dout.row_range(block.first_query, block.queries);
        const Matrix out = head.out.row_range(block.first_query, block.queries);
        const Matrix k = head.k.row_range(block.first_key, block.keys);
        const Matrix v = head.v.row_range(block.first_key, block.keys);
        for (int64_t row = 0; row < block.queries; ++row) {
            const float* const a = dout.row_range(row, 1).floats();
            const float* const b = out.row_range(row, 1).floats();
            float sum = 0;
            for (int64_t d = 0; d < shape.head_dim; ++d) sum += a[d] * b[d];
            delta[row] = sum;
        }
        const Matrix scores = scratch.scores.matrix(block.queries, block.keys);
        const Matrix dscores = scratch.dscores.matrix(block.queries, block.keys);
        block_nt(scores, q, k, scale, 0.0F);
        block_nt(dscores, dout, v, 1.0F, 0.0F);
        kernels::causal_softmax_backward(scores.floats(), dscores.floats(),
                                         head.logsumexp + block.first_query * head.logsumexp_stride,
                                         head.logsumexp_stride, delta, block.causal(shape));
        block_tn(head.dv.row_range(block.first_key, block.keys), scores, dout, 1.0F, 1.0F);
        block_tn(head.dk.row_range(block.first_key, block.keys), dscores, q, scale, 1.0F);
        const Matrix dq = scratch.dq.matrix(block.queries, shape.head_dim);
        block_nn(dq, dscores, k, scale, 0.0F);
        store_rows(head.dq.row_range(block.first_query, block.queries), dq);
    });
}

}  // namespace

void attention_forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                       const AttentionShape& shape, const Documents& documents) {
    if (Accelerator* const device = accelerator()) {
        return device->attention_forward(out, logsumexp, input, shape, documents);
    }
    const int64_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
    for_each_head(
        documents.borders, shape.heads,
        [&](TaskScratch& scratch, int64_t first, int64_t length, int64_t head) {
            head_forward(
                scratch, head_rows(out, first, length, head, dim),
                logsumexp.row_range(first, length).columns(head, 1).floats(), logsumexp.stride,
                widened(head_rows(input.q, first, length, head, dim), scratch.q),
                widened(head_rows(input.k, first, length, head / group, dim), scratch.k),
                widened(head_rows(input.v, first, length, head / group, dim), scratch.v), shape);
        });
}

void attention_backward(const AttentionInput& gradient, const Matrix& dout,
                        const AttentionInput& input, const Matrix& out, const Matrix& logsumexp,
                        const AttentionShape& shape, const Documents& documents) {
    if (Accelerator* const device = accelerator()) {
        return device->attention_backward(gradient, dout, input, out, logsumexp, shape, documents);
    }
    const int64_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
    const std::span<const int32_t> borders = documents.borders;
    // One task a key head: its query heads add to the same gradients, one after the other.
    for_each_head(
        borders, shape.kv_heads,
        [&](TaskScratch& scratch, int64_t first, int64_t length, int64_t kv) {
            const Matrix dk = scratch.dk.matrix(length, dim), dv = scratch.dv.matrix(length, dim);
            std::fill_n(dk.floats(), length * dim, 0.0F);
            std::fill_n(dv.floats(), length * dim, 0.0F);
            const Matrix k = widened(head_rows(input.k, first, length, kv, dim), scratch.k);
            const Matrix v = widened(head_rows(input.v, first, length, kv, dim), scratch.v);
            for (int64_t head = kv * group; head < (kv + 1) * group; ++head) {
                head_backward(
                    scratch,
                    {.dq = head_rows(gradient.q, first, length, head, dim),
                     .dk = dk,
                     .dv = dv,
                     .q = widened(head_rows(input.q, first, length, head, dim), scratch.q),
                     .k = k,
                     .v = v,
                     .out = widened(head_rows(out, first, length, head, dim), scratch.out),
                     .dout = widened(head_rows(dout, first, length, head, dim), scratch.dout),
                     .logsumexp = logsumexp.row_range(first, length).columns(head, 1).floats(),
                     .logsumexp_stride = logsumexp.stride},
                    shape);
            }
            store_rows(head_rows(gradient.k, first, length, kv, dim), dk);
            store_rows(head_rows(gradient.v, first, length, kv, dim), dv);
        });
}

void release_attention_scratch() {
    scratch_pool().clear();
}

void attention_decode(const std::vector<DecodeQuery>& queries, const AttentionShape& shape) {
    std::vector<kernels::DecodeText> texts;
    for (const DecodeQuery& query : queries) {
        const AttentionInput& input = query.input;
        texts.push_back({.out = query.out.data,
                         .q = input.q.data,
                         .k = input.k.data,
                         .v = input.v.data,
                         .keys = input.k.rows});
    }
    kernels::decode_attention({.texts = texts.data(),
                               .text_count = static_cast<int64_t>(texts.size()),
                               .dtype = queries.front().out.dtype,
                               .heads = shape.heads,
                               .kv_heads = shape.kv_heads,
                               .head_dim = shape.head_dim,
                               .kv_stride = queries.front().input.k.stride,
                               .scale = scale_of(shape)});
}

}  // namespace dayrun::engine
