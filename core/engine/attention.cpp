// Attention in blocks of queries, head by head in parallel; every sum has one fixed order. bfloat16
// heads are multiplied as they are where the processor has the instructions for it, else widened.
// Neighbours: attention.h, attention_task.h.
#include "core/engine/attention.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "core/engine/attention_task.h"
#include "core/engine/device/accelerator.h"
#include "core/engine/linear/gemm.h"
#include "core/engine/thread_pool.h"
#include "kernels/common/parallel.h"
#include "kernels/decode_attention/decode_attention.h"
#include "kernels/scaled_rows/scaled_rows.h"

namespace dayrun::engine {
namespace {

/// As many as there were tasks at once. They belong to no thread, so that all of them can be given
/// back when an engine ends. The largest are taken first: of a backward's few tasks none needs
/// another one to grow.
class ScratchPool {
  public:
    /// Calls prepare(scratch) for the `count` that the next tasks take, on this thread: what a call
    /// holds does not depend on which tasks run at once, and a task asks for no memory.
    template <class Prepare>
    void reserve(int64_t count, Prepare&& prepare) {
        std::vector<std::unique_ptr<TaskScratch>> ready;
        for (int64_t i = 0; i < count; ++i) {
            ready.push_back(take());
            prepare(*ready.back());
        }
        for (std::unique_ptr<TaskScratch>& scratch : ready) give_back(std::move(scratch));
    }
    std::unique_ptr<TaskScratch> take() {
        const std::lock_guard lock(m_mutex);
        if (m_free.empty()) return std::make_unique<TaskScratch>();
        std::unique_ptr<TaskScratch> scratch = std::move(m_free.back());
        m_free.pop_back();
        return scratch;
    }
    void give_back(std::unique_ptr<TaskScratch> scratch) {
        const std::lock_guard lock(m_mutex);
        const auto is_smaller = [](const auto& a, const auto& b) {
            return a->bytes() < b->bytes();
        };
        const auto place = std::lower_bound(m_free.begin(), m_free.end(), scratch, is_smaller);
        m_free.insert(place, std::move(scratch));
    }
    void clear() {
        const std::lock_guard lock(m_mutex);
        m_free.clear();
    }

  private:
    std::mutex m_mutex;
    std::vector<std::unique_ptr<TaskScratch>> m_free;  // by size
};

ScratchPool& scratch_pool() {
    static ScratchPool s_pool;
    return s_pool;
}

/// Whether rows of this type are multiplied as they are.
bool stays_narrow(Dtype dtype) {
    return dtype == Dtype::BFloat16 && kernels::has_bfloat16_product();
}

// The rows as the products take them: themselves, or widened into the scratch.
Matrix fitting(const Matrix& m, Scratch& scratch) {
    if (m.dtype == Dtype::Float32 || stays_narrow(m.dtype)) return m;
    const Matrix wide = scratch.matrix(m.rows, m.cols);
    store_rows(wide, m);
    return wide;
}

/// Multiplications of a head in a document of the mean cost, of so many products.
int64_t head_multiplications(std::span<const int32_t> borders, const AttentionShape& shape,
                             int64_t products) {
    // The softmax of a score costs about as much.
    constexpr int64_t kSoftmax = 64;
    int64_t scores = 0;
    for (size_t i = 1; i < borders.size(); ++i) {
        const int64_t length = borders[i] - borders[i - 1];
        scores += length * (shape.window > 0 ? std::min(length, shape.window) : length) / 2;
    }
    const auto documents = std::max<int64_t>(1, static_cast<int64_t>(borders.size()) - 1);
    return products * (shape.head_dim + kSoftmax) * scores / documents;
}

/// Runs body(scratch, first row, length, head) for every document and head, in parallel. A thread's
/// share is a stretch of heads in all documents, so that one long document is everyone's.
template <class Body>
void for_each_head(std::span<const int32_t> borders, int64_t heads, const TaskExtent& extent,
                   int64_t multiplications, Body&& body) {
    const auto documents = static_cast<int64_t>(borders.size()) - 1;
    const int64_t tasks = documents * heads;
    scratch_pool().reserve(std::min<int64_t>(thread_count(), tasks),
                           [&](TaskScratch& scratch) { scratch.prepare(extent); });
    kernels::parallel_for(tasks, kernels::grain_for_products(multiplications),
                          [&](int64_t begin, int64_t end) {
                              std::unique_ptr<TaskScratch> scratch = scratch_pool().take();
                              for (int64_t i = begin; i < end; ++i) {
                                  const auto document = static_cast<size_t>(i % documents);
                                  const int64_t first = borders[document];
                                  const int64_t length = borders[document + 1] - first;
                                  if (length > 0) body(*scratch, first, length, i / documents);
                              }
                              scratch_pool().give_back(std::move(scratch));
                          });
}

TaskExtent extent_of(const AttentionInput& input, const AttentionShape& shape,
                     std::span<const int32_t> borders, AttentionPass pass) {
    int64_t longest = 0;
    for (size_t i = 1; i < borders.size(); ++i) {
        longest = std::max<int64_t>(longest, borders[i] - borders[i - 1]);
    }
    const Dtype dtype = input.q.dtype;
    return {.longest = longest,
            .head_dim = shape.head_dim,
            .window = shape.window,
            .multiplied = stays_narrow(dtype) ? dtype : Dtype::Float32,
            .is_widened = dtype != Dtype::Float32 && !stays_narrow(dtype),
            .pass = pass};
}

Matrix head_rows(const Matrix& m, int64_t first, int64_t length, int64_t head, int64_t dim) {
    return m.row_range(first, length).columns(head * dim, dim);
}

}  // namespace

float scale_of(const AttentionShape& shape) {
    if (shape.scale != 0) return static_cast<float>(shape.scale);
    return static_cast<float>(1.0 / std::sqrt(static_cast<double>(shape.head_dim)));
}

void store_rows(const Matrix& to, const Matrix& from, const float* factor) {
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

void HeadBackward::write_delta(float* delta, const Block& block) const {
    const Matrix a = block.queries_of(dout), b = block.queries_of(out);
    kernels::causal_softmax_delta({.delta = delta,
                                   .dout = a.data,
                                   .out = b.data,
                                   .dtype = a.dtype,
                                   .rows = a.rows,
                                   .cols = a.cols,
                                   .dout_stride = a.stride,
                                   .out_stride = b.stride});
}

void attention_forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                       const AttentionShape& shape, const Documents& documents) {
    if (Accelerator* const device = accelerator()) {
        return device->attention_forward(out, logsumexp, input, shape, documents);
    }
    const int64_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
    for_each_head(
        documents.borders, shape.heads,
        extent_of(input, shape, documents.borders, AttentionPass::Forward),
        head_multiplications(documents.borders, shape, 2),
        [&](TaskScratch& scratch, int64_t first, int64_t length, int64_t head) {
            const int64_t kv = head / group;
            head_forward(scratch,
                         {.out = head_rows(out, first, length, head, dim),
                          .logsumexp = logsumexp.row_range(first, length).columns(head, 1).floats(),
                          .logsumexp_stride = logsumexp.stride,
                          .q = fitting(head_rows(input.q, first, length, head, dim), scratch.q),
                          .k = fitting(head_rows(input.k, first, length, kv, dim), scratch.k),
                          .v = fitting(head_rows(input.v, first, length, kv, dim), scratch.v)},
                         shape);
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
        borders, shape.kv_heads, extent_of(input, shape, borders, AttentionPass::Backward),
        head_multiplications(borders, shape, 5 * group),
        [&](TaskScratch& scratch, int64_t first, int64_t length, int64_t kv) {
            const Matrix dk = scratch.dk.matrix(length, dim), dv = scratch.dv.matrix(length, dim);
            std::fill_n(dk.floats(), length * dim, 0.0F);
            std::fill_n(dv.floats(), length * dim, 0.0F);
            const Matrix k = fitting(head_rows(input.k, first, length, kv, dim), scratch.k);
            const Matrix v = fitting(head_rows(input.v, first, length, kv, dim), scratch.v);
            for (int64_t head = kv * group; head < (kv + 1) * group; ++head) {
                head_backward(
                    scratch,
                    {.dq = head_rows(gradient.q, first, length, head, dim),
                     .dk = dk,
                     .dv = dv,
                     .q = fitting(head_rows(input.q, first, length, head, dim), scratch.q),
                     .k = k,
                     .v = v,
                     .out = fitting(head_rows(out, first, length, head, dim), scratch.out),
                     .dout = fitting(head_rows(dout, first, length, head, dim), scratch.dout),
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
