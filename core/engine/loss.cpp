// Chunked head and cross-entropy. Neighbour: loss.h.
#include "core/engine/loss.h"

#include <algorithm>

#include "core/engine/device/host_mirror.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/embedding/embedding.h"
#include "kernels/gather_rows/gather_rows.h"
#include "kernels/rms_norm/rms_norm.h"

namespace dayrun::engine {
namespace {

void gather(const Matrix& out, const Matrix& from, const int32_t* rows) {
    kernels::embedding_forward({.out = out.data,
                                .table = from.data,
                                .token_ids = rows,
                                .dtype = out.dtype,
                                .table_dtype = from.dtype,
                                .tokens = out.rows,
                                .cols = out.cols,
                                .vocab = from.rows});
}

}  // namespace

LossHead::LossHead(const DecoderWeights& weights, PhaseRows& phases)
    : m_weights(weights),
      m_phases(phases),
      m_chunk_rows(core::logits_chunk_rows(weights.config.vocab_size)) {
    m_rstd = RowBuffer(1, Dtype::Float32, MemoryPart::Working);
    m_logits = RowBuffer(weights.config.vocab_size, weights.dtype, MemoryPart::Logits);
    m_losses = RowBuffer(1, Dtype::Float32, MemoryPart::Working);
}

LossHead::NormedRows LossHead::normed_rows(const HiddenState& hidden, const StagedTargets& rows) {
    const int64_t count = rows.count();
    const auto [h, delta, normed] = m_phases.take(Phase::Head, count);
    const NormedRows made{h, delta, normed, m_rstd.rows(count)};
    gather(made.h, hidden.residual, rows.rows());
    gather(made.delta, hidden.delta, rows.rows());
    kernels::rms_norm_forward({.y = made.normed.data,
                               .h = made.h.data,
                               .rstd = made.rstd.floats(),
                               .x = made.delta.data,
                               .residual = made.h.data,
                               .weight = m_weights.final_norm.weight.data,
                               .dtype = made.h.dtype,
                               .weight_dtype = m_weights.final_norm.weight.dtype,
                               .tokens = count,
                               .cols = made.h.cols,
                               .eps = static_cast<float>(m_weights.config.rms_norm_eps)});
    return made;
}

std::vector<float> LossHead::losses(const HiddenState& hidden, const StagedTargets& targets) {
    const Matrix losses = m_losses.rows(targets.count());
    const NormedRows input = normed_rows(hidden, targets);
    for (int64_t begin = 0; begin < input.normed.rows; begin += m_chunk_rows) {
        const int64_t count = std::min(m_chunk_rows, input.normed.rows - begin);
        const Matrix logits = m_logits.rows(m_chunk_rows).row_range(0, count);
        multiply_nt(logits, input.normed.row_range(begin, count), m_weights.head);
        kernels::cross_entropy_forward({.loss = losses.floats() + begin,
                                        .logits = logits.data,
                                        .labels = targets.labels() + begin,
                                        .dtype = logits.dtype,
                                        .rows = count,
                                        .vocab = logits.cols});
    }
    const HostMirror mirror(losses.data, targets.count() * 4, MirrorUse::Read);
    return {mirror.floats(), mirror.floats() + targets.count()};
}

Matrix LossHead::losses_and_gradient(const HiddenState& hidden, const StagedTargets& targets,
                                     float grad_scale, const Matrix& gradient) {
    const Matrix losses = m_losses.rows(targets.count());
    const NormedRows input = normed_rows(hidden, targets);
    const Matrix& dnormed = input.delta;  // delta was added to h and is free
    const int64_t chunk = std::min(m_chunk_rows, input.h.rows);
    for (int64_t begin = 0; begin < input.h.rows; begin += m_chunk_rows) {
        const int64_t count = std::min(chunk, input.h.rows - begin);
        const Matrix logits = m_logits.rows(chunk).row_range(0, count);
        const Matrix normed = input.normed.row_range(begin, count);
        multiply_nt(logits, normed, m_weights.head);
        kernels::cross_entropy_forward_backward({.loss = losses.floats() + begin,
                                                 .logits = logits.data,
                                                 .labels = targets.labels() + begin,
                                                 .grad_scale = grad_scale,
                                                 .dtype = logits.dtype,
                                                 .rows = count,
                                                 .vocab = logits.cols});
        multiply_nn(dnormed.row_range(begin, count), logits, m_weights.head);
        if (m_weights.trained_head != nullptr) {
            add_multiply_tn(m_weights.trained_head->gradient, logits, normed);
        }
    }
    kernels::rms_norm_backward({.dx = dnormed.data,
                                .dweight = m_weights.final_norm.gradient(),
                                .dy = dnormed.data,
                                .x = input.h.data,
                                .rstd = input.rstd.floats(),
                                .weight = m_weights.final_norm.weight.data,
                                .dtype = dnormed.dtype,
                                .weight_dtype = m_weights.final_norm.weight.dtype,
                                .tokens = dnormed.rows,
                                .cols = dnormed.cols});
    // Every row of the gradient is written: that of its target, or zeros.
    kernels::gather_rows({.out = gradient.data,
                          .from = dnormed.data,
                          .source = targets.sources(),
                          .dtype = gradient.dtype,
                          .rows = gradient.rows,
                          .cols = gradient.cols,
                          .out_stride = gradient.stride,
                          .from_stride = dnormed.stride});
    return losses;
}

void LossHead::logits(const HiddenState& hidden, int64_t begin, int64_t count, float* out) {
    for (int64_t done = 0; done < count; done += m_chunk_rows) {
        const int64_t now = std::min(m_chunk_rows, count - done);
        const NormedRows input = normed_rows(hidden, StagedTargets::rows_only(begin + done, now));
        const Matrix logits = m_logits.rows(now);
        multiply_nt(logits, input.normed, m_weights.head);
        float* const to = out + done * logits.cols;
        const int64_t values = now * logits.cols;
        const HostMirror mirror(logits.data, values * kernels::element_bytes(logits.dtype),
                                MirrorUse::Read);
        if (logits.dtype == Dtype::Float32) {
            std::copy_n(mirror.floats(), values, to);
            continue;
        }
        const auto* const narrow = static_cast<const bfloat16*>(mirror.data());
        std::transform(narrow, narrow + values, to,
                       [](bfloat16 value) { return kernels::to_float(value); });
    }
}

}  // namespace dayrun::engine
