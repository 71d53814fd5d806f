// The widths of everything that a decoder layer holds: the one table from which the engine makes
// its buffers and the plan counts their bytes, so that they cannot differ. A width is columns of a
// buffer with one row a token. Neighbours: activation_plan.h, core/engine/decoder.
// Plain values: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/model/model_config.h"
#include "core/plan/memory/activation_plan.h"

namespace dayrun::core {

/// The shape of one layer: the base's, and the ranks of its adapters (of q, k, v together; of gate
/// and up together).
struct LayerShape {
    int64_t hidden = 0, q = 0, kv = 0, heads = 0, kv_heads = 0, intermediate = 0;
    bool has_qk_norm = false;
    int64_t qkv_rank = 0, o_rank = 0, gate_up_rank = 0, down_rank = 0;
};
LayerShape layer_shape(const ModelConfig& config);

/// What a layer keeps from its forward for its backward.
enum class Saved : int {
    Input,      // residual stream before the layer
    InputRstd,  // of its norm
    Qkv,        // before the rotation with query and key norms, else after
    QkvXa,      // x A^T of the adapters
    QRstd,      // of the query norms
    KRstd,      // of the key norms
    Attention,  // output, before o
    LogSumExp,  // of the attention's softmax
    OXa,
    Middle,  // residual stream between attention and MLP
    MiddleRstd,
    GateUp,
    GateUpXa,
    DownXa,
    Count
};
/// Working memory that all layers share.
enum class Scratch : int {
    Normed,    // input of a linear group
    Delta,     // output of a block, before the residual; in the backward the gradient of its input
    U,         // s G B of the adapters
    Gradient,  // of the residual stream
    Count
};

/// Parts of a step of which one at a time is at work. What only one of them needs lies in a block
/// that they use in turn (core/engine/decoder/phase_rows.h).
enum class Phase : int { Attention, AttentionBackward, Mlp, Head };
/// Columns of a phase's values, 0 where the model has none:
///   Attention          the rotated queries and keys, with query and key norms
///   AttentionBackward  the same, the gradient of the attention's output, that of q, k and v
///   Mlp                silu(gate) * up, and in the backward first its gradient
///   Head               the last residual stream, delta and normed, of the rows with a target
std::array<int64_t, 3> phase_widths(const LayerShape& shape, Phase phase);
/// Bytes of a phase's values with so many rows, one after the other.
int64_t phase_bytes(const LayerShape& shape, Phase phase, int64_t rows, int64_t value_bytes);

/// One buffer with a row a token.
struct Width {
    int64_t cols = 0;
    bool is_float32 = false;  // whatever the activations are
    int64_t bytes(int64_t tokens, int64_t value_bytes) const;
};

template <class Name>
using Widths = std::array<Width, static_cast<size_t>(Name::Count)>;
Widths<Saved> saved_widths(const LayerShape& shape);
Widths<Scratch> scratch_widths(const LayerShape& shape);

/// Whether a layer under this plan holds the value itself until its backward; else it lies in the
/// memory that all layers share, and is made again.
bool is_kept(Saved value, Keep keep);

/// Bytes and cost of a layer under each plan, for a micro-batch whose documents have on average
/// `attended` tokens before each token. The cost is in floating-point operations.
LayerChoice layer_choice(const LayerShape& shape, int64_t tokens, int64_t value_bytes,
                         double attended);

/// Bytes of the shared set: the widest of all layers, of the values for which `is_shared` says yes.
int64_t shared_bytes(const std::vector<LayerShape>& shapes, Saved value, int64_t tokens,
                     int64_t value_bytes);

/// How attention on a CPU multiplies heads: as float32, bfloat16 widened to it, or bfloat16 as it
/// is (where the processor has the instructions).
enum class HeadRows { Wide, Widened, Narrow };

/// Working memory of attention on a CPU, of one thread at a document of this length: two blocks of
/// scores and the float32 gradients of one key head. `window` 0 means none.
int64_t attention_scratch_bytes(int64_t head_dim, int64_t document, int64_t window, HeadRows rows,
                                bool is_training);

/// Rows of logits that exist at once: about 32 MiB of float32, but at least 256, since every
/// product packs the whole head once a chunk, which costs 13 % of it at 128 rows (49,152 x 576,
/// measured) and nothing from 256 on.
int64_t logits_chunk_rows(int64_t vocab);

/// What a block of `bytes` takes: the engine's blocks come in multiples of 64 bytes.
constexpr int64_t block_bytes(int64_t bytes) {
    return (bytes + 63) / 64 * 64;
}

}  // namespace dayrun::core
