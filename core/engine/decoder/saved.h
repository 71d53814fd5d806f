// What one layer keeps from its forward for its backward, and the plan that says how much of it.
// Everything a plan drops is made again by the same calls on the same rows, so all plans give
// bit-equal gradients. Neighbours: forward.cpp fills it, backward.cpp reads it.
// Lives on the run thread; torch-free.
#pragma once

#include <string_view>
#include <vector>

#include "core/engine/buffer.h"

namespace dayrun::engine {

/// How much of a layer stays in memory between its forward and its backward.
enum class Keep {
    Everything,  // input, qkv, attention, middle, gate and up
    DropGateUp,  // all but gate and up, which are the widest
    InputOnly,   // its input; the rest is made again
};
std::string_view to_string(Keep keep);

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

/// The memory behind a SavedLayer.
struct SavedLayerBuffers {
    RowBuffer input, input_rstd, qkv, qkv_xa, q_rstd, k_rstd, attention, logsumexp, o_xa, middle,
        middle_rstd, gate_up, gate_up_xa, down_xa;
};

}  // namespace dayrun::engine
