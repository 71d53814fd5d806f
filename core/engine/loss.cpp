// Chunked head and cross-entropy. Neighbour: loss.h.
#include "core/engine/loss.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/common/parallel.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/embedding/embedding.h"
#include "kernels/rms_norm/rms_norm.h"

namespace dayrun::engine {
namespace {

// About 32 MiB of float32 logits: large enough for full speed, small beside a model.
int64_t chunk_rows_for(int64_t vocab) {
    const int64_t rows = (int64_t{8} << 20) / vocab / 64 * 64;
    return std::clamp<int64_t>(rows, 128, 1024);
}

void gather(const Matrix& out, const Matrix& from, const std::vector<int32_t>& rows) {
    kernels::embedding_forward({.out = out.data,
                                .table = from.data,
                                .token_ids = rows.data(),
                                .dtype = out.dtype,
                                .table_dtype = from.dtype,
                                .tokens = out.rows,
                                .cols = out.cols,
                                .vocab = from.rows});
}

// Rows not named become zero. `rows` rises, so every output row is written once.
void scatter(const Matrix& out, const Matrix& from, const std::vector<int32_t>& rows) {
    const auto row_bytes = static_cast<size_t>(out.cols * kernels::element_bytes(out.dtype));
    std::vector<int32_t> source(static_cast<size_t>(out.rows), -1);
    for (size_t i = 0; i < rows.size(); ++i) {
        source[static_cast<size_t>(rows[i])] = static_cast<int32_t>(i);
    }
    kernels::parallel_for(out.rows, kernels::grain_for(static_cast<int64_t>(2 * row_bytes)),
                          [&](int64_t begin, int64_t end) {
                              for (int64_t row = begin; row < end; ++row) {
                                  const int32_t i = source[static_cast<size_t>(row)];
                                  void* const to = out.row_range(row, 1).data;
                                  if (i < 0) {
                                      std::memset(to, 0, row_bytes);
                                  } else {
                                      std::memcpy(to, from.row_range(i, 1).data, row_bytes);
                                  }
                              }
                          });
}

std::vector<int32_t> targets_of(const std::vector<int32_t>& targets,
                                const std::vector<int32_t>& rows) {
    std::vector<int32_t> chosen;
    chosen.reserve(rows.size());
    for (const int32_t row : rows) chosen.push_back(targets[static_cast<size_t>(row)]);
    return chosen;
}

}  // namespace

std::vector<int32_t> supervised_rows(const std::vector<int32_t>& targets) {
    std::vector<int32_t> rows;
    for (size_t i = 0; i < targets.size(); ++i) {
        if (targets[i] != core::kIgnoreLabel) rows.push_back(static_cast<int32_t>(i));
    }
    return rows;
}

LossHead::LossHead(const DecoderWeights& weights)
    : m_weights(weights), m_chunk_rows(chunk_rows_for(weights.config.vocab_size)) {
    const int64_t hidden = weights.config.hidden_size;
    m_h = RowBuffer(hidden, weights.dtype, MemoryPart::Working);
    m_delta = RowBuffer(hidden, weights.dtype, MemoryPart::Working);
    m_normed = RowBuffer(hidden, weights.dtype, MemoryPart::Working);
    m_rstd = RowBuffer(1, Dtype::Float32, MemoryPart::Working);
    m_logits = RowBuffer(weights.config.vocab_size, weights.dtype, MemoryPart::Logits);
}

LossHead::NormedRows LossHead::normed_rows(const HiddenState& hidden,
                                           const std::vector<int32_t>& rows) {
    const auto count = static_cast<int64_t>(rows.size());
    const NormedRows made{m_h.rows(count), m_normed.rows(count), m_rstd.rows(count)};
    const Matrix delta = m_delta.rows(count);
    gather(made.h, hidden.residual, rows);
    gather(delta, hidden.delta, rows);
    kernels::rms_norm_forward({.y = made.normed.data,
                               .h = made.h.data,
                               .rstd = made.rstd.floats(),
                               .x = delta.data,
                               .residual = made.h.data,
                               .weight = m_weights.final_norm.weight.data,
                               .dtype = made.h.dtype,
                               .weight_dtype = m_weights.final_norm.weight.dtype,
                               .tokens = count,
                               .cols = made.h.cols,
                               .eps = static_cast<float>(m_weights.config.rms_norm_eps)});
    return made;
}

std::vector<float> LossHead::losses(const HiddenState& hidden,
                                    const std::vector<int32_t>& targets) {
    const std::vector<int32_t> rows = supervised_rows(targets);
    const std::vector<int32_t> labels = targets_of(targets, rows);
    std::vector<float> losses(rows.size());
    const NormedRows input = normed_rows(hidden, rows);
    for (int64_t begin = 0; begin < input.normed.rows; begin += m_chunk_rows) {
        const int64_t count = std::min(m_chunk_rows, input.normed.rows - begin);
        const Matrix logits = m_logits.rows(m_chunk_rows).row_range(0, count);
        multiply_nt(logits, input.normed.row_range(begin, count), m_weights.head);
        kernels::cross_entropy_forward({.loss = losses.data() + begin,
                                        .logits = logits.data,
                                        .labels = labels.data() + begin,
                                        .dtype = logits.dtype,
                                        .rows = count,
                                        .vocab = logits.cols});
    }
    return losses;
}

std::vector<float> LossHead::losses_and_gradient(const HiddenState& hidden,
                                                 const std::vector<int32_t>& targets,
                                                 float grad_scale, const Matrix& gradient) {
    const std::vector<int32_t> rows = supervised_rows(targets);
    const std::vector<int32_t> labels = targets_of(targets, rows);
    std::vector<float> losses(rows.size());
    const NormedRows input = normed_rows(hidden, rows);
    const Matrix dnormed = m_delta.rows(input.h.rows);  // delta was added to h and is free
    const int64_t chunk = std::min(m_chunk_rows, input.h.rows);
    for (int64_t begin = 0; begin < input.h.rows; begin += m_chunk_rows) {
        const int64_t count = std::min(chunk, input.h.rows - begin);
        const Matrix logits = m_logits.rows(chunk).row_range(0, count);
        const Matrix normed = input.normed.row_range(begin, count);
        multiply_nt(logits, normed, m_weights.head);
        kernels::cross_entropy_forward_backward({.loss = losses.data() + begin,
                                                 .logits = logits.data,
                                                 .labels = labels.data() + begin,
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
    scatter(gradient, dnormed, rows);
    return losses;
}

void LossHead::logits(const HiddenState& hidden, int64_t begin, int64_t count, float* out) {
    for (int64_t done = 0; done < count; done += m_chunk_rows) {
        const int64_t now = std::min(m_chunk_rows, count - done);
        std::vector<int32_t> rows(static_cast<size_t>(now));
        std::iota(rows.begin(), rows.end(), static_cast<int32_t>(begin + done));
        const NormedRows input = normed_rows(hidden, rows);
        const Matrix logits = m_logits.rows(now);
        multiply_nt(logits, input.normed, m_weights.head);
        float* const to = out + done * logits.cols;
        const int64_t values = now * logits.cols;
        if (logits.dtype == Dtype::Float32) {
            std::copy_n(logits.floats(), values, to);
            continue;
        }
        const auto* const narrow = static_cast<const bfloat16*>(logits.data);
        std::transform(narrow, narrow + values, to,
                       [](bfloat16 value) { return kernels::to_float(value); });
    }
}

}  // namespace dayrun::engine
