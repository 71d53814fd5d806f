// Forward and backward of linear modules with LoRA. Neighbour: linear_group.h.
#include "core/engine/linear/linear_group.h"

#include <utility>

#include "core/base/check.h"
#include "kernels/bias/bias.h"

namespace dayrun::engine {
namespace {

void fill_with_bias(const Matrix& y, const Matrix& bias) {
    kernels::bias_fill({.y = y.data,
                        .bias = bias.data,
                        .dtype = y.dtype,
                        .rows = y.rows,
                        .cols = y.cols,
                        .y_stride = y.stride});
}

void add_column_sums(float* sums, const Matrix& y) {
    kernels::bias_backward({.dbias = sums,
                            .dy = y.data,
                            .dtype = y.dtype,
                            .rows = y.rows,
                            .cols = y.cols,
                            .dy_stride = y.stride});
}

}  // namespace

LinearGroup::LinearGroup(std::vector<Linear> linears) : m_linears(std::move(linears)) {
    CHECK(!m_linears.empty());
    m_in_features = m_linears.front().weight.cols;
    for (Linear& linear : m_linears) {
        CHECK(linear.weight.cols == m_in_features);
        linear.out_begin = m_out_features;
        m_out_features += linear.out_features();
        if (linear.rank == 0) continue;
        const Matrix a = linear.lora_a->matrix();
        if (m_rank == 0) {
            m_lora_a = a;
            m_lora_a_gradient = linear.lora_a->gradient;
        }
        linear.rank_begin = m_rank;
        m_rank += linear.rank;
        m_lora_a.rows = m_rank;
        CHECK(m_lora_a.row_range(linear.rank_begin, 1).data == a.data);
    }
}

bool LinearGroup::is_trained() const {
    for (const Linear& linear : m_linears) {
        if (linear.is_trained()) return true;
    }
    return false;
}

void LinearGroup::forward(const Matrix& y, const Matrix& xa, const Matrix& x) const {
    if (m_rank > 0) multiply_nt(xa, x, m_lora_a);
    for (const Linear& linear : m_linears) {
        const Matrix out = output_of(linear, y);
        const bool biased = !linear.bias.empty();
        if (biased) fill_with_bias(out, linear.bias);
        multiply_nt(out, x, linear.weight, 1.0F, biased ? 1.0F : 0.0F);
        if (linear.rank == 0) continue;
        multiply_nt(out, xa.columns(linear.rank_begin, linear.rank), linear.lora_b->matrix(),
                    linear.scaling, 1.0F);
    }
}

void LinearGroup::backward_input(const Matrix& dx, const Matrix& u, const Matrix& dy,
                                 const Matrix& xa) const {
    float beta = 0.0F;
    for (const Linear& linear : m_linears) {
        const Matrix g = output_of(linear, dy);
        if (linear.rank > 0) {
            multiply_nn(u.columns(linear.rank_begin, linear.rank), g, linear.lora_b->matrix(),
                        linear.scaling);
            add_multiply_tn(linear.lora_b->gradient, g, xa.columns(linear.rank_begin, linear.rank),
                            linear.scaling);
        }
        if (dx.empty()) continue;
        multiply_nn(dx, g, linear.weight, 1.0F, beta);
        beta = 1.0F;
    }
    if (m_rank > 0 && !dx.empty()) multiply_nn(dx, u, m_lora_a, 1.0F, 1.0F);
}

void LinearGroup::backward_weights(const Matrix& u, const Matrix& dy, const Matrix& x) const {
    if (m_rank > 0) add_multiply_tn(m_lora_a_gradient, u, x);
    for (const Linear& linear : m_linears) {
        if (linear.trained_weight != nullptr) {
            add_multiply_tn(linear.trained_weight->gradient, output_of(linear, dy), x);
        }
        if (linear.trained_bias != nullptr) {
            add_column_sums(linear.trained_bias->gradient, output_of(linear, dy));
        }
    }
}

}  // namespace dayrun::engine
