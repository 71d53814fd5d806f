// Linear modules that read the same input (q, k, v; gate, up; o; down), with their adapters. Their
// outputs are neighbouring columns of one matrix, and their adapters' A matrices lie one above the
// other, so that one thin product serves all of them.
//   y_i = x W_i^T + b_i + s_i (x A_i^T) B_i^T
// Backward with G_i = dy_i (facts: adapters.md section 4): u_i = s_i G_i B_i
//   dB_i += s_i G_i^T (x A_i^T);  dA_i += u_i^T x;  dx = sum of G_i W_i + u_i A_i
// Frozen weights get no gradient; trained ones (method full) dW_i += G_i^T x, db_i += column sums.
// Neighbour: decoder/ runs the groups in order. Lives on the run thread; torch-free.
#pragma once

#include <string>
#include <vector>

#include "core/engine/linear/gemm.h"
#include "core/engine/model/parameters.h"

namespace dayrun::engine {

struct Linear {
    std::string module;
    Matrix weight;          // [out, in]
    Matrix bias;            // [1, out], or empty
    int64_t out_begin = 0;  // its first column in the group's output
    // Adapter; rank 0 means none.
    int64_t rank = 0;
    int64_t rank_begin = 0;  // its first row in the group's A
    float scaling = 1.0F;
    const Parameter* lora_a = nullptr;
    const Parameter* lora_b = nullptr;
    // Method full; null means frozen.
    const Parameter* trained_weight = nullptr;
    const Parameter* trained_bias = nullptr;

    int64_t out_features() const { return weight.rows; }
    bool is_trained() const { return rank > 0 || trained_weight != nullptr; }
};

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

    /// y [T, out]; xa [T, rank] keeps x A^T for the backward (unused with rank 0).
    void forward(const Matrix& y, const Matrix& xa, const Matrix& x) const;
    /// What needs dy but not x: u [T, rank], dB, and dx where it is wanted (else empty).
    void backward_input(const Matrix& dx, const Matrix& u, const Matrix& dy,
                        const Matrix& xa) const;
    /// What needs x: dA from u; dW and db from dy for trained weights.
    void backward_weights(const Matrix& u, const Matrix& dy, const Matrix& x) const;

  private:
    Matrix output_of(const Linear& linear, const Matrix& y) const {
        return y.columns(linear.out_begin, linear.out_features());
    }

    std::vector<Linear> m_linears;
    Matrix m_lora_a;  // [rank, in]
    float* m_lora_a_gradient = nullptr;
    int64_t m_in_features = 0;
    int64_t m_out_features = 0;
    int64_t m_rank = 0;
};

}  // namespace dayrun::engine
