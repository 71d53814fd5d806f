// Cosines and sines of rotary positions, with the scaling that a checkpoint asks for (linear,
// llama3, yarn). The table grows to the longest document seen; values do not depend on its size.
// Source: facts of the checkpoint formats, section 3. Lives on the run thread; torch-free.
#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/engine/buffer.h"
#include "core/model/model_config.h"

namespace dayrun::engine {

class RopeTable {
  public:
    RopeTable() = default;
    static RopeTable make(const core::ModelConfig& config);

    /// Makes positions [0, rows) available with the base of this alpha: 1 when training, else what
    /// dynamic_ntk_alpha() says for the text at hand.
    void ensure(int64_t rows, int64_t ntk_alpha = 1);
    const float* cos() const { return m_cos.floats(); }  // [rows, rotary_dim / 2]
    const float* sin() const { return m_sin.floats(); }

  private:
    std::vector<float> m_frequency;  // [rotary_dim / 2]
    float m_attention_factor = 1.0F;
    double m_theta = 0;
    int64_t m_rows = 0;
    int64_t m_ntk_alpha = 1;  // of the table at hand
    Buffer m_cos, m_sin;
};

/// Refuses a text beyond the length from which on dynamic scaling needs a table of its own.
core::Result<void> check_rope_length(const core::ModelConfig& config, int64_t length);

/// Qwen 1 beyond the length it was trained with, when it generates: the base grows with the length
/// n of the whole text, alpha = max(1, 2^ceil(log2(n / seq_length) + 1) - 1). 1 for other families.
int64_t dynamic_ntk_alpha(const core::ModelConfig& config, int64_t length);

/// Qwen 1's factor of the query at `position` (from 0), when it generates: ln(p) / ln(seq_length)
/// for the p-th token beyond seq_length. 1 for other families.
float logn_scale(const core::ModelConfig& config, int64_t position);

}  // namespace dayrun::engine
