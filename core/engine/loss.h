// The head and the loss: final norm, logits and cross-entropy over the supervised rows only, in
// chunks of a fixed number of rows, so that all logits never exist at once. The chunk depends on
// the vocabulary alone: sums do not change with the activation plan or the batch.
//   loss = sum over rows with a target of (logsumexp(z) - z[target])
// Neighbours: decoder/ gives the last residual stream and takes its gradient.
// Lives on the run thread; torch-free.
#pragma once

#include <vector>

#include "core/engine/decoder/decoder.h"

namespace dayrun::engine {

class LossHead {
  public:
    /// `phases` gives the memory of its rows, and outlives it.
    LossHead(const DecoderWeights& weights, PhaseRows& phases);

    /// Nats of each row that has a target, in order. Nothing is kept.
    std::vector<float> losses(const HiddenState& hidden, const StagedTargets& targets);
    /// The same [targets, 1], where the kernels left them until the next call, and the gradient of
    /// grad_scale * (their sum): written to gradient [T, H] (zero in rows without a target), added
    /// to those of trained head weights.
    Matrix losses_and_gradient(const HiddenState& hidden, const StagedTargets& targets,
                               float grad_scale, const Matrix& gradient);
    /// float32 logits of rows [begin, begin + count), one after the other.
    void logits(const HiddenState& hidden, int64_t begin, int64_t count, float* out);

  private:
    /// Gathers rows of residual + delta and norms them.
    struct NormedRows {
        Matrix h, delta, normed, rstd;
    };
    NormedRows normed_rows(const HiddenState& hidden, const StagedTargets& rows);

    const DecoderWeights& m_weights;
    PhaseRows& m_phases;
    int64_t m_chunk_rows = 0;
    RowBuffer m_rstd, m_logits, m_losses;
};

}  // namespace dayrun::engine
