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
    /// Unsupported for a scaling whose table depends on the length of the text.
    static core::Result<RopeTable> make(const core::ModelConfig& config);

    /// Makes positions [0, rows) available.
    void ensure(int64_t rows);
    const float* cos() const { return m_cos.floats(); }  // [rows, rotary_dim / 2]
    const float* sin() const { return m_sin.floats(); }

  private:
    std::vector<float> m_frequency;  // [rotary_dim / 2]
    float m_attention_factor = 1.0F;
    int64_t m_rows = 0;
    Buffer m_cos, m_sin;
};

}  // namespace dayrun::engine
