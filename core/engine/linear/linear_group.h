// Linear modules that read the same input (q, k, v; gate, up; o; down), with their adapters. Their
// outputs are neighbouring columns of one matrix, and their adapters' A matrices lie one above the
// other, so that one thin product serves all of them where they see the same input.
//   y_i = x W_i^T + b_i + s_i (x'_i A_i^T) B_i^T,   x'_i = dropout_i(x) in training, else x
// Backward with G_i = dy_i (facts: adapters.md section 4): u_i = s_i G_i B_i
//   dB_i += s_i G_i^T (x'_i A_i^T);  dA_i += u_i^T x'_i;  dx = sum of G_i W_i + mask_i(u_i A_i)
// DoRA scales rows of the sum (kernels/dora/dora.h) and so the G_i above by its own factor.
// Frozen weights get no gradient; trained ones (method full) dW_i += G_i^T x, db_i += column sums.
// Masks are drawn again from counters in the backward and where a layer is made again.
// Neighbours: frozen_linear.h, dora.h; decoder/ runs the groups in order. Lives on the run thread;
// torch-free.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/engine/linear/dora.h"
#include "core/engine/linear/frozen_linear.h"
#include "core/engine/model/parameters.h"
#include "kernels/common/philox.h"

namespace dayrun::engine {

struct Linear {
    std::string module;
    int64_t number = 0;     // among the model's linear modules: names its stream of masks
    FrozenWeight weight;    // [out, in]
    Matrix bias;            // [1, out], or empty
    int64_t out_begin = 0;  // its first column in the group's output
    // Adapter; rank 0 means none.
    int64_t rank = 0;
    int64_t rank_begin = 0;  // its first row in the group's A
    float scaling = 1.0F;
    const Parameter* lora_a = nullptr;
    const Parameter* lora_b = nullptr;
    std::unique_ptr<Dora> dora;  // null without DoRA
    // Method full; null means frozen.
    const Parameter* trained_weight = nullptr;
    const Parameter* trained_bias = nullptr;

    int64_t out_features() const { return weight.rows(); }
    bool is_trained() const { return rank > 0 || trained_weight != nullptr; }
};

/// What a pass through the groups needs beside its matrices.
struct LinearPass {
    LinearScratch& scratch;
    float dropout = 0.0F;  // 0 in evaluation and generation
    uint64_t seed = 0;
    uint64_t batch_index = 0;  // the micro-batch's, since the run's start

    bool drops() const { return dropout > 0.0F; }
    /// Numbers of modules; the last one is free for the embedding's noise.
    static constexpr int kNumberBits = 20;
    static constexpr int64_t kEmbeddingNumber = (int64_t{1} << kNumberBits) - 1;
    /// The random numbers of one module in this micro-batch.
    kernels::RandomStream stream(int64_t number) const;
};

/// Whether DoRA's magnitudes are yet to be taken from the weights.
enum class AdapterStart { AsItIs, Fresh };

class LinearGroup {
  public:
    LinearGroup() = default;
    /// Takes linears of one input width and lays their outputs side by side, in this order. The A
    /// matrices of adapted ones must lie end to end in memory (ParameterSet::add_block).
    explicit LinearGroup(std::vector<Linear> linears);

    int64_t in_features() const { return m_in_features; }
    int64_t out_features() const { return m_out_features; }
    int64_t rank() const { return m_rank; }  // of all its adapters together
    bool is_trained() const;
    const std::vector<Linear>& linears() const { return m_linears; }

    /// y [T, out]; xa [T, rank] keeps x' A^T for the backward (unused with rank 0).
    void forward(const Matrix& y, const Matrix& xa, const Matrix& x, const LinearPass& pass) const;
    /// xa alone, as forward() leaves it: of a layer that is made again, whose y nobody reads.
    void adapt(const Matrix& xa, const Matrix& x, const LinearPass& pass) const;
    /// What needs dy but not x: u [T, rank], dB, and dx where it is wanted (else empty).
    void backward_input(const Matrix& dx, const Matrix& u, const Matrix& dy, const Matrix& xa,
                        const LinearPass& pass) const;
    /// What needs x: dA from u, DoRA's magnitudes; dW and db from dy for trained weights.
    void backward_weights(const Matrix& u, const Matrix& dy, const Matrix& x, const Matrix& xa,
                          const LinearPass& pass) const;
    /// Follows a change of the parameters.
    void refresh(LinearScratch& scratch, AdapterStart start = AdapterStart::AsItIs) const;

  private:
    Matrix output_of(const Linear& linear, const Matrix& y) const {
        return y.columns(linear.out_begin, linear.out_features());
    }
    Matrix rank_of(const Linear& linear, const Matrix& rows) const {
        return rows.columns(linear.rank_begin, linear.rank);
    }
    /// One module's part of xa, where the modules do not share it; returns the adapter's input.
    Matrix adapt_one(const Linear& linear, const Matrix& xa, const Matrix& x,
                     const LinearPass& pass) const;
    /// The input as the adapter of one module sees it.
    Matrix adapter_input(const Linear& linear, const Matrix& x, const LinearPass& pass) const;
    void add_masked_gradient(const Linear& linear, const Matrix& dx, const Matrix& dy,
                             const Matrix& u, const LinearPass& pass) const;

    bool can_sum_back() const;
    void sum_back(const Matrix& dx, const Matrix& u, const Matrix& dy,
                  const LinearPass& pass) const;

    std::vector<Linear> m_linears;
    Matrix m_lora_a;  // [rank, in]
    float* m_lora_a_gradient = nullptr;
    int64_t m_in_features = 0;
    int64_t m_out_features = 0;
    int64_t m_rank = 0;
};

}  // namespace dayrun::engine
