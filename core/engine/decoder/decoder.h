// One decoder for all families: token ids to the last residual stream, and back. Families differ
// only in data: fused or separate q, k, v, biases, query and key norms, windows, rope scaling.
//   h = embed(ids);  per layer: h += o(attention(qkv(norm(h)))),  h += down(silu(gate) * up)
// Forward in forward.cpp, backward in backward.cpp, generation with a cache in cached.cpp; what is
// kept between them in saved.h. The backward is written out: no graph is recorded, memory can be
// counted, and nothing below the lowest trained module is computed.
// Neighbours: linear/, attention.h, loss.h. Lives on the run thread; torch-free.
#pragma once

#include <memory>
#include <vector>

#include "core/base/result.h"
#include "core/engine/attention.h"
#include "core/engine/decoder/phase_rows.h"
#include "core/engine/decoder/rope_table.h"
#include "core/engine/decoder/saved.h"
#include "core/engine/device/staged_batch.h"
#include "core/engine/linear/linear_group.h"
#include "core/engine/model/base_model.h"
#include "core/engine/model/parameters.h"
#include "core/recipe/recipe.h"

namespace dayrun::engine {

/// A norm's weight; `trained` is null when it is frozen.
struct Norm {
    Matrix weight;  // [1, H]
    const Parameter* trained = nullptr;
    float* gradient() const { return trained != nullptr ? trained->gradient : nullptr; }
};

struct DecoderLayer {
    Norm input_norm, post_attention_norm;
    Norm q_norm, k_norm;  // empty weights without query and key norms
    LinearGroup qkv, o, gate_up, down;
    int64_t gate_begin = 0, up_begin = 0;  // columns of gate_up's output
    int64_t window = 0;
};

/// The model's weights as the decoder uses them.
struct DecoderWeights {
    core::ModelConfig config;
    Dtype dtype = Dtype::Float32;
    Matrix embedding;  // [V, H]
    const Parameter* trained_embedding = nullptr;
    std::vector<DecoderLayer> layers;
    Norm final_norm;
    Matrix head;  // [V, H]; the embedding itself when tied
    const Parameter* trained_head = nullptr;
};

/// The residual stream after the last layer is residual + delta, both [T, H].
struct HiddenState {
    Matrix residual, delta;
};

/// What is random in a training forward. Masks and noise follow from the seed and the micro-batch's
/// index, so a resumed run and a layer that is made again draw the same.
struct TrainingNoise {
    float dropout = 0.0F;        // of every adapter's input
    float neftune_alpha = 0.0F;  // noise of alpha / sqrt(L * H) on the embeddings
    core::NeftuneLength neftune_length = core::NeftuneLength::MicroBatch;  // what L is
    uint64_t seed = 0;
};

/// Keys and values of the tokens so far, for generation.
class KvCache {
  public:
    KvCache(const DecoderWeights& weights, int64_t capacity);
    int64_t length() const { return m_length; }
    int64_t capacity() const { return m_capacity; }
    Matrix keys(size_t layer, int64_t begin, int64_t count) const;
    Matrix values(size_t layer, int64_t begin, int64_t count) const;
    void advance(int64_t tokens) { m_length += tokens; }
    void clear() { m_length = 0; }

  private:
    std::vector<Buffer> m_keys, m_values;
    int64_t m_capacity = 0, m_length = 0, m_cols = 0;
    Dtype m_dtype = Dtype::Float32;
};

/// The trainable stages of a layer, from its input to its output.
enum class Stage : int { InputNorm, Qkv, O, PostAttentionNorm, GateUp, Down, End };

class Decoder {
  public:
    static core::Result<std::unique_ptr<Decoder>> make(DecoderWeights weights);

    const DecoderWeights& weights() const { return m_weights; }

    /// The plan, one entry a layer. Set it between micro-batches; what an earlier plan kept and
    /// this one does not goes back. In the host's memory there is nowhere to offload to.
    void set_plan(const ActivationPlan& plan);
    const ActivationPlan& plan() const { return m_plan; }

    /// Forward of a batch for evaluation: nothing is kept. A text that has_own_rope() comes alone
    /// (long_texts.h).
    HiddenState forward(const StagedBatch& batch);
    /// Forward that keeps what the plan says for backward(). `noise` says what is random in it.
    HiddenState forward_for_training(const StagedBatch& batch, const TrainingNoise& noise = {});
    /// `gradient` [T, H] of the last residual stream; it is overwritten. Adds to the parameters'
    /// gradients. Follows forward_for_training of the same batch.
    void backward(const StagedBatch& batch, const Matrix& gradient);
    /// Follows every change of the trained parameters' values (DoRA keeps what it made of them).
    void parameters_changed(AdapterStart start = AdapterStart::AsItIs);

    /// Forward of a whole text into an empty cache. `ntk_alpha`: see dynamic_ntk_alpha().
    HiddenState prefill(const std::vector<int32_t>& tokens, KvCache& cache, int64_t ntk_alpha = 1);
    /// Forward of one next token of each text; extends their caches. Each text gets the bits that
    /// it gets alone, as long as there are at most kernels::kFewRows of them.
    HiddenState decode(const std::vector<int32_t>& tokens, const std::vector<KvCache*>& caches,
                       int64_t ntk_alpha = 1);

    /// The head's phase lies where those of the layers do.
    PhaseRows& phase_rows() { return m_phases; }
    /// [T, H] working memory for the gradient given to backward().
    Matrix gradient_rows(int64_t tokens) { return m_gradient.rows(tokens); }

  private:
    explicit Decoder(DecoderWeights weights);

    // forward.cpp
    HiddenState run_forward(const StagedBatch& batch, bool keeps, const TrainingNoise& noise);
    void embed(const Matrix& out, const int32_t* token_ids) const;
    void add_embedding_noise(const Matrix& out, const core::PackedBatch& batch,
                             const TrainingNoise& noise);
    /// Where a layer keeps its values; without `keeps` all of it is shared between layers.
    SavedLayer saved_rows(size_t layer, int64_t tokens, bool keeps);
    void forward_attention(const DecoderLayer& layer, const SavedLayer& saved,
                           const StagedBatch& batch, bool trains = true);
    /// Multiplies the queries of these positions by logn_scale(), outside of training.
    void scale_queries(const Matrix& q, const std::vector<int32_t>& positions) const;
    Matrix activate(const DecoderLayer& layer, const SavedLayer& saved);
    void forward_mlp(const DecoderLayer& layer, const SavedLayer& saved);
    /// Input of a layer whose plan is to offload: to the host's memory, and back.
    void offload(size_t layer, const Matrix& input);
    void bring_back(size_t layer, const Matrix& input);
    void make_again(const DecoderLayer& layer, const SavedLayer& saved, Keep keep,
                    const StagedBatch& batch);
    AttentionInput rotate(const DecoderLayer& layer, const SavedLayer& saved,
                          const int32_t* position_ids);
    AttentionInput rotated_again(const DecoderLayer& layer, const SavedLayer& saved,
                                 const int32_t* position_ids);
    AttentionInput split(const Matrix& qkv) const;
    AttentionShape shape_of(const DecoderLayer& layer) const;
    void norm_forward(const Matrix& y, const Norm& norm, const Matrix& x, const Matrix& residual,
                      const Matrix& h, const Matrix& rstd) const;
    void head_norm_forward(const Matrix& y, const Norm& norm, const Matrix& x, int64_t heads,
                           const Matrix& rstd) const;

    // backward.cpp
    void backward_layer(size_t index, const StagedBatch& batch, const Matrix& gradient);
    void backward_mlp(size_t index, const SavedLayer& saved, const Matrix& gradient);
    void backward_attention(size_t index, const SavedLayer& saved, const StagedBatch& batch,
                            const Matrix& gradient);
    void norm_backward(const Matrix& gradient, const Norm& norm, const Matrix& dy, const Matrix& x,
                       const Matrix& rstd) const;
    void unrotate(const DecoderLayer& layer, const SavedLayer& saved, const Matrix& dqkv,
                  const StagedBatch& batch);
    /// Whether something trained lies below this stage of this layer, so that its input's
    /// gradient is wanted.
    bool reaches_below(size_t layer, Stage stage) const;

    // cached.cpp
    HiddenState run_cached(const std::vector<int32_t>& tokens,
                           const std::vector<int32_t>& positions,
                           const std::vector<KvCache*>& caches);
    struct CachedRows {
        const std::vector<int32_t>& positions;
        const int32_t* staged_positions;
    };
    void attend_cached(size_t index, const SavedLayer& saved, const CachedRows& rows,
                       const std::vector<KvCache*>& caches);

    DecoderWeights m_weights;
    RopeTable m_rope;
    ActivationPlan m_plan;
    std::vector<SavedLayerBuffers> m_saved;  // one per layer, filled as far as the plan says
    std::vector<Buffer> m_offloaded;         // inputs in host memory, of layers so planned
    SavedLayerBuffers m_shared;              // of the layer at hand
    // Working memory of one layer.
    RowBuffer m_normed, m_delta, m_u, m_gradient;
    PhaseRows m_phases;
    std::vector<int32_t> m_noise_scale;  // [T] bits of floats
    LinearScratch m_scratch;
    LinearPass m_pass{m_scratch};  // of the forward at hand and its backward
    int64_t m_lowest_layer = -1;   // the lowest layer with something trained
    bool m_trains_embedding = false;
};

}  // namespace dayrun::engine
