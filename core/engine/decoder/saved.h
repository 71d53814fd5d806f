// What one layer keeps from its forward for its backward; core/plan/memory/activation_plan.h says
// how much of it, and core/plan/memory/layer_memory.h how wide it is. Everything a plan drops is
// made again by the same calls on the same rows, so all plans give bit-equal gradients. Neighbours:
// forward.cpp fills it, backward.cpp reads it. Lives on the run thread; torch-free.
#pragma once

#include <array>

#include "core/engine/buffer.h"
#include "core/plan/memory/layer_memory.h"

namespace dayrun::engine {

using core::ActivationPlan;
using core::Keep;
using core::Saved;
using core::Scratch;

/// The views of one layer's kept values for the micro-batch at hand.
struct SavedLayer {
    Matrix input;        // [T, H] residual stream before the layer
    Matrix input_rstd;   // [T, 1] float32
    Matrix qkv;          // [T, q + 2 kv] before the rotation with query and key norms, else after
    Matrix qkv_xa;       // [T, rank]
    Matrix q_rstd;       // [T * heads, 1] float32, with query and key norms
    Matrix k_rstd;       // [T * kv_heads, 1] float32
    Matrix attention;    // [T, q]
    Matrix logsumexp;    // [T, heads] float32
    Matrix o_xa;         // [T, rank]
    Matrix middle;       // [T, H] residual stream between attention and MLP
    Matrix middle_rstd;  // [T, 1] float32
    Matrix gate_up;      // [T, 2 I]
    Matrix gate_up_xa;   // [T, rank]
    Matrix down_xa;      // [T, rank]
};

/// The memory behind a SavedLayer, by core::Saved.
using SavedLayerBuffers = std::array<RowBuffer, static_cast<size_t>(Saved::Count)>;

}  // namespace dayrun::engine
