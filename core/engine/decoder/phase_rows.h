// The block that the phases of a step use in turn: the attention's backward needs nothing of what
// the MLP worked with, and the head nothing of either, so their values lie over each other.
// core/plan/memory/layer_memory.h says what a phase holds; the plan counts the largest of them.
// Neighbours: forward.cpp and backward.cpp take the layers' phases, loss.cpp the head's.
// Lives on the run thread; torch-free.
#pragma once

#include <array>

#include "core/engine/buffer.h"
#include "core/plan/memory/layer_memory.h"

namespace dayrun::engine {

using core::Phase;

class PhaseRows {
  public:
    PhaseRows(const core::LayerShape& shape, Dtype dtype) : m_shape(shape), m_dtype(dtype) {}

    /// The phase's values with `count` rows, dense, one after the other from the block's front;
    /// those of no columns are empty. They hold what an earlier phase left, so they are written
    /// first, and stand until another phase is taken. The rotated rows that Attention wrote are the
    /// first of AttentionBackward as well: take the larger phase before they are written.
    std::array<Matrix, 3> take(Phase phase, int64_t count);

  private:
    core::LayerShape m_shape;
    Dtype m_dtype;
    Buffer m_block;
};

}  // namespace dayrun::engine
