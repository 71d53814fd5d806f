// Forward and backward of linear modules with their adapters. Neighbour: linear_group.h.
#include "core/engine/linear/linear_group.h"

#include <utility>

#include "core/base/check.h"
#include "kernels/bias/bias.h"
#include "kernels/dropout/dropout.h"

namespace dayrun::engine {
namespace {

using Slot = LinearScratch::Slot;

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

void drop(const Matrix& out, const Matrix& x, kernels::RandomStream stream, float probability,
          kernels::DropoutInto into) {
    kernels::dropout_apply({.out = out.data,
                            .x = x.data,
                            .stream = stream,
                            .probability = probability,
                            .into = into,
                            .dtype = x.dtype,
                            .rows = x.rows,
                            .cols = x.cols,
                            .out_stride = out.stride,
                            .x_stride = x.stride});
}

/// DoRA's two parts for the input that the adapter saw: base = x' W^T and lora = s (x' A^T) B^T.
Matrix dora_base(const Linear& linear, const Matrix& seen, const LinearPass& pass) {
    const Matrix base = pass.scratch.take(Slot::Base, seen.rows, linear.out_features(), seen.dtype);
    multiply_frozen(base, seen, linear.weight, 0.0F, pass.scratch);
    return base;
}
Matrix dora_lora(const Linear& linear, const Matrix& xa, const LinearPass& pass) {
    const Matrix lora = pass.scratch.take(Slot::Lora, xa.rows, linear.out_features(), xa.dtype);
    multiply_nt(lora, xa, linear.lora_b->matrix(), linear.scaling);
    return lora;
}

}  // namespace

kernels::RandomStream LinearPass::stream(int64_t number) const {
    return {seed, batch_index << kNumberBits | static_cast<uint64_t>(number)};
}

LinearGroup::LinearGroup(std::vector<Linear> linears) : m_linears(std::move(linears)) {
    CHECK(!m_linears.empty());
    m_in_features = m_linears.front().weight.cols();
    for (Linear& linear : m_linears) {
        CHECK(linear.weight.cols() == m_in_features);
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

void LinearGroup::refresh(LinearScratch& scratch, AdapterStart start) const {
    for (const Linear& linear : m_linears) {
        if (linear.dora == nullptr) continue;
        linear.dora->refresh(linear.weight, *linear.lora_a, *linear.lora_b, linear.scaling,
                             scratch);
        if (start == AdapterStart::Fresh) linear.dora->take_lengths();
    }
}

Matrix LinearGroup::adapter_input(const Linear& linear, const Matrix& x,
                                  const LinearPass& pass) const {
    if (!pass.drops()) return x;
    const Matrix dropped = pass.scratch.take(Slot::Dropped, x.rows, x.cols, x.dtype);
    drop(dropped, x, pass.stream(linear.number), pass.dropout, kernels::DropoutInto::Overwrite);
    return dropped;
}

Matrix LinearGroup::adapt_one(const Linear& linear, const Matrix& xa, const Matrix& x,
                              const LinearPass& pass) const {
    const Matrix seen = adapter_input(linear, x, pass);
    if (pass.drops()) multiply_nt(rank_of(linear, xa), seen, linear.lora_a->matrix());
    return seen;
}

void LinearGroup::adapt(const Matrix& xa, const Matrix& x, const LinearPass& pass) const {
    if (m_rank > 0 && !pass.drops()) return multiply_nt(xa, x, m_lora_a);
    for (const Linear& linear : m_linears) {
        if (linear.rank > 0) adapt_one(linear, xa, x, pass);
    }
}

void LinearGroup::forward(const Matrix& y, const Matrix& xa, const Matrix& x,
                          const LinearPass& pass) const {
    if (m_rank > 0 && !pass.drops()) multiply_nt(xa, x, m_lora_a);
    for (const Linear& linear : m_linears) {
        const Matrix out = output_of(linear, y);
        // DoRA adds the bias after its scaling.
        const bool biased = !linear.bias.empty() && linear.dora == nullptr;
        if (biased) fill_with_bias(out, linear.bias);
        multiply_frozen(out, x, linear.weight, biased ? 1.0F : 0.0F, pass.scratch);
        if (linear.rank == 0) continue;
        const Matrix seen = adapt_one(linear, xa, x, pass);
        const Matrix own_xa = rank_of(linear, xa);
        if (linear.dora != nullptr) {
            const Matrix base = pass.drops() ? dora_base(linear, seen, pass) : out;
            linear.dora->forward(out, base, dora_lora(linear, own_xa, pass), linear.bias);
        } else {
            multiply_nt(out, own_xa, linear.lora_b->matrix(), linear.scaling, 1.0F);
        }
    }
}

// dx += mask(u A); with DoRA (factor - 1) dy W, the share of the frozen weight that went through
// the mask, is part of what is masked.
void LinearGroup::add_masked_gradient(const Linear& linear, const Matrix& dx, const Matrix& dy,
                                      const Matrix& u, const LinearPass& pass) const {
    const Matrix masked = pass.scratch.take(Slot::Dropped, dx.rows, dx.cols, dx.dtype);
    const bool is_dora = linear.dora != nullptr;
    if (is_dora) {
        multiply_frozen_back(masked, linear.dora->scaled(dy, 1.0F, pass.scratch), linear.weight,
                             0.0F, pass.scratch);
    }
    multiply_nn(masked, rank_of(linear, u), linear.lora_a->matrix(), 1.0F, is_dora ? 1.0F : 0.0F);
    drop(dx, masked, pass.stream(linear.number), pass.dropout, kernels::DropoutInto::Add);
}

void LinearGroup::backward_input(const Matrix& dx, const Matrix& u, const Matrix& dy,
                                 const Matrix& xa, const LinearPass& pass) const {
    float beta = 0.0F;
    for (const Linear& linear : m_linears) {
        const Matrix whole = output_of(linear, dy);
        const Matrix g =
            linear.dora != nullptr ? linear.dora->scaled(whole, 0.0F, pass.scratch) : whole;
        if (linear.rank > 0) {
            multiply_nn(rank_of(linear, u), g, linear.lora_b->matrix(), linear.scaling);
            add_multiply_tn(linear.lora_b->gradient, g, rank_of(linear, xa), linear.scaling);
        }
        if (dx.empty()) continue;
        const bool is_split = linear.dora != nullptr && pass.drops();
        multiply_frozen_back(dx, is_split ? whole : g, linear.weight, beta, pass.scratch);
        beta = 1.0F;
        if (linear.rank > 0 && pass.drops()) add_masked_gradient(linear, dx, whole, u, pass);
    }
    if (m_rank > 0 && !dx.empty() && !pass.drops()) multiply_nn(dx, u, m_lora_a, 1.0F, 1.0F);
}

void LinearGroup::backward_weights(const Matrix& u, const Matrix& dy, const Matrix& x,
                                   const Matrix& xa, const LinearPass& pass) const {
    if (m_rank > 0 && !pass.drops()) add_multiply_tn(m_lora_a_gradient, u, x);
    for (const Linear& linear : m_linears) {
        if (linear.rank > 0) {
            const Matrix seen = adapter_input(linear, x, pass);
            if (pass.drops()) add_multiply_tn(linear.lora_a->gradient, rank_of(linear, u), seen);
            if (linear.dora != nullptr) {
                linear.dora->add_gradient(output_of(linear, dy), dora_base(linear, seen, pass),
                                          dora_lora(linear, rank_of(linear, xa), pass));
            }
        }
        if (linear.trained_weight != nullptr) {
            add_multiply_tn(linear.trained_weight->gradient, output_of(linear, dy), x);
        }
        if (linear.trained_bias != nullptr) {
            add_column_sums(linear.trained_bias->gradient, output_of(linear, dy));
        }
    }
}

}  // namespace dayrun::engine
