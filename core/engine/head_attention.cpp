// A head's attention, block by block of its queries: products by linear/gemm.h's blocks, the row
// work by kernels/causal_softmax, whose results are rounded for bfloat16 products.
// Neighbour: attention_task.h.
#include "core/engine/attention_task.h"
#include "core/engine/linear/gemm.h"
#include "kernels/causal_softmax/causal_softmax.h"

namespace dayrun::engine {
namespace {

/// A block's scores, and where the softmax leaves what the next products multiply: in their own
/// place, or beside them in bfloat16.
struct Scores {
    Matrix wide, operand;

    Scores(Scratch& wide_memory, Scratch& narrow_memory, const Block& block, Dtype dtype)
        : wide(wide_memory.matrix(block.queries, block.keys)),
          operand(dtype == Dtype::Float32
                      ? wide
                      : narrow_memory.matrix(block.queries, block.keys, dtype)) {}

    bfloat16* narrow() const {
        const bool is_wide = operand.dtype == Dtype::Float32;
        return is_wide ? nullptr : static_cast<bfloat16*>(operand.data);
    }
};

}  // namespace

void TaskScratch::prepare(const TaskExtent& extent) {
    const int64_t length = extent.longest, dim = extent.head_dim;
    const int64_t queries = std::min(kBlockQueries, length);
    const int64_t keys =
        extent.window > 0 ? std::min(length, extent.window + kBlockQueries - 1) : length;
    const Block block{0, queries, 0, keys};
    Scores(scores, narrow_scores, block, extent.multiplied);
    sums.matrix(queries, dim);
    if (extent.is_widened) {
        for (Scratch* const rows : {&q, &k, &v}) rows->matrix(length, dim);
    }
    if (extent.pass == AttentionPass::Forward) return;
    Scores(dscores, narrow_dscores, block, extent.multiplied);
    for (Scratch* const rows : {&dk, &dv}) rows->matrix(length, dim);
    if (extent.is_widened) {
        for (Scratch* const rows : {&out, &dout}) rows->matrix(length, dim);
    }
}

int64_t TaskScratch::bytes() const {
    int64_t sum = 0;
    for (const Scratch* const one : {&scores, &dscores, &narrow_scores, &narrow_dscores, &sums, &dk,
                                     &dv, &q, &k, &v, &dout, &out}) {
        sum += one->bytes();
    }
    return sum;
}

void head_forward(TaskScratch& scratch, const HeadForward& head, const AttentionShape& shape) {
    float total[kBlockQueries];
    for_each_block(head.q.rows, shape, [&](const Block& block) {
        const Scores scores(scratch.scores, scratch.narrow_scores, block, head.q.dtype);
        const Matrix sums = scratch.sums.matrix(block.queries, shape.head_dim);
        block_nt(scores.wide, block.queries_of(head.q), block.keys_of(head.k), scale_of(shape));
        kernels::causal_softmax_forward(
            scores.wide.floats(), total, head.logsumexp + block.first_query * head.logsumexp_stride,
            head.logsumexp_stride, block.causal(shape), scores.narrow());
        block_nn(sums, scores.operand, block.keys_of(head.v), 1.0F);
        for (int64_t row = 0; row < block.queries; ++row) total[row] = 1.0F / total[row];
        store_rows(block.queries_of(head.out), sums, total);
    });
}

void head_backward(TaskScratch& scratch, const HeadBackward& head, const AttentionShape& shape) {
    float delta[kBlockQueries];
    const float scale = scale_of(shape);
    for_each_block(head.q.rows, shape, [&](const Block& block) {
        const Matrix q = block.queries_of(head.q), dout = block.queries_of(head.dout);
        const Matrix k = block.keys_of(head.k), v = block.keys_of(head.v);
        head.write_delta(delta, block);
        const Scores p(scratch.scores, scratch.narrow_scores, block, q.dtype);
        const Scores ds(scratch.dscores, scratch.narrow_dscores, block, q.dtype);
        block_nt(p.wide, q, k, scale);
        block_nt(ds.wide, dout, v, 1.0F);
        kernels::causal_softmax_backward(p.wide.floats(), ds.wide.floats(),
                                         head.logsumexp + block.first_query * head.logsumexp_stride,
                                         head.logsumexp_stride, delta, block.causal(shape),
                                         p.narrow(), ds.narrow());
        add_block_tn(block.keys_of(head.dv), p.operand, dout, 1.0F);
        add_block_tn(block.keys_of(head.dk), ds.operand, q, scale);
        const Matrix dq = scratch.sums.matrix(block.queries, shape.head_dim);
        block_nn(dq, ds.operand, k, scale);
        store_rows(block.queries_of(head.dq), dq);
    });
}

}  // namespace dayrun::engine
