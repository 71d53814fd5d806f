// The table of widths. Neighbour: layer_memory.h.
#include "core/plan/memory/layer_memory.h"

#include <algorithm>

namespace dayrun::core {

LayerShape layer_shape(const ModelConfig& config) {
    LayerShape shape;
    shape.hidden = config.hidden_size;
    shape.q = config.q_size();
    shape.kv = config.kv_size();
    shape.heads = config.num_attention_heads;
    shape.kv_heads = config.num_key_value_heads;
    shape.intermediate = config.intermediate_size;
    shape.has_qk_norm = config.qk_norm;
    return shape;
}

int64_t Width::bytes(int64_t tokens, int64_t value_bytes) const {
    return block_bytes(tokens * cols * (is_float32 ? 4 : value_bytes));
}

Widths<Saved> saved_widths(const LayerShape& shape) {
    Widths<Saved> widths;
    const auto set = [&](Saved value, int64_t cols, bool is_float32 = false) {
        widths[static_cast<size_t>(value)] = {cols, is_float32};
    };
    set(Saved::Input, shape.hidden);
    set(Saved::InputRstd, 1, true);
    set(Saved::Qkv, shape.q + 2 * shape.kv);
    set(Saved::QkvXa, shape.qkv_rank);
    set(Saved::QRstd, shape.has_qk_norm ? shape.heads : 0, true);
    set(Saved::KRstd, shape.has_qk_norm ? shape.kv_heads : 0, true);
    set(Saved::Attention, shape.q);
    set(Saved::LogSumExp, shape.heads, true);
    set(Saved::OXa, shape.o_rank);
    set(Saved::Middle, shape.hidden);
    set(Saved::MiddleRstd, 1, true);
    set(Saved::GateUp, 2 * shape.intermediate);
    set(Saved::GateUpXa, shape.gate_up_rank);
    set(Saved::DownXa, shape.down_rank);
    return widths;
}

Widths<Scratch> scratch_widths(const LayerShape& shape) {
    Widths<Scratch> widths;
    const auto set = [&](Scratch value, int64_t cols) {
        widths[static_cast<size_t>(value)] = {cols, false};
    };
    set(Scratch::Normed, shape.hidden);
    set(Scratch::Delta, shape.hidden);
    set(Scratch::U, std::max({shape.qkv_rank, shape.o_rank, shape.gate_up_rank, shape.down_rank}));
    set(Scratch::Gradient, shape.hidden);
    return widths;
}

std::array<int64_t, 3> phase_widths(const LayerShape& shape, Phase phase) {
    const int64_t rotated = shape.has_qk_norm ? shape.q + shape.kv : 0;
    switch (phase) {
        case Phase::Attention:
            return {rotated, 0, 0};
        case Phase::AttentionBackward:
            return {rotated, shape.q, shape.q + 2 * shape.kv};
        case Phase::Mlp:
            return {shape.intermediate, 0, 0};
        case Phase::Head:
            return {shape.hidden, shape.hidden, shape.hidden};
    }
    return {};
}

int64_t phase_bytes(const LayerShape& shape, Phase phase, int64_t rows, int64_t value_bytes) {
    int64_t sum = 0;
    for (const int64_t cols : phase_widths(shape, phase)) {
        sum += block_bytes(rows * cols * value_bytes);
    }
    return sum;
}

bool is_kept(Saved value, Keep keep) {
    const bool is_input = value == Saved::Input || value == Saved::InputRstd;
    switch (keep) {
        case Keep::Everything:
            return true;
        case Keep::DropGateUp:
            return value != Saved::GateUp && value != Saved::GateUpXa;
        case Keep::InputOnly:
            return is_input;
        case Keep::Offload:
            return value == Saved::InputRstd;
    }
    return true;
}

LayerChoice layer_choice(const LayerShape& shape, int64_t tokens, int64_t value_bytes,
                         double attended) {
    LayerChoice choice;
    const Widths<Saved> widths = saved_widths(shape);
    for (size_t keep = 0; keep < kKeepCount; ++keep) {
        for (size_t value = 0; value < widths.size(); ++value) {
            if (!is_kept(static_cast<Saved>(value), static_cast<Keep>(keep))) continue;
            choice.bytes[keep] += widths[value].bytes(tokens, value_bytes);
        }
    }
    const auto product = [&](int64_t in, int64_t out, int64_t rank) {
        const auto weights = static_cast<double>(in * out + rank * (in + out));
        return 2.0 * static_cast<double>(tokens) * weights;
    };
    const double gate_up = product(shape.hidden, 2 * shape.intermediate, shape.gate_up_rank);
    const double attention =
        4.0 * static_cast<double>(tokens) * attended * static_cast<double>(shape.q);
    choice.cost[static_cast<size_t>(Keep::DropGateUp)] = gate_up;
    const double all = gate_up + attention +
                       product(shape.hidden, shape.q + 2 * shape.kv, shape.qkv_rank) +
                       product(shape.q, shape.hidden, shape.o_rank);
    choice.cost[static_cast<size_t>(Keep::InputOnly)] = all;
    choice.cost[static_cast<size_t>(Keep::Offload)] = all;
    return choice;
}

int64_t shared_bytes(const std::vector<LayerShape>& shapes, Saved value, int64_t tokens,
                     int64_t value_bytes) {
    int64_t most = 0;
    for (const LayerShape& shape : shapes) {
        most = std::max(most,
                        saved_widths(shape)[static_cast<size_t>(value)].bytes(tokens, value_bytes));
    }
    return most;
}

int64_t attention_scratch_bytes(int64_t head_dim, int64_t document, int64_t window, HeadRows rows,
                                bool is_training) {
    constexpr int64_t kQueries = 64;  // kBlockQueries of core/engine/attention_task.h
    const int64_t queries = std::min(kQueries, document);
    const int64_t keys = window > 0 ? std::min(document, window + kQueries - 1) : document;
    const int64_t scores = block_bytes(4 * queries * keys);
    const int64_t block = block_bytes(4 * queries * head_dim);
    const int64_t head = block_bytes(4 * document * head_dim);
    const bool is_narrow = rows == HeadRows::Narrow;
    // Scores, what is made of them where it lies elsewhere, and the block's sums; widened q, k, v.
    const int64_t both = scores + (is_narrow ? block_bytes(2 * queries * keys) : 0);
    const int64_t widened = rows == HeadRows::Widened ? head : 0;
    const int64_t sum = both + block + 3 * widened;
    // Scores' gradients, dK and dV; widened out and its gradient.
    return is_training ? sum + both + 2 * head + 2 * widened : sum;
}

int64_t logits_chunk_rows(int64_t vocab) {
    const int64_t rows = (int64_t{8} << 20) / vocab / 64 * 64;
    return std::clamp<int64_t>(rows, 256, 1024);
}

}  // namespace dayrun::core
