// Forward and backward of linear modules with their adapters. Neighbour: linear_group.h.
#include "core/engine/linear/linear_group.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "kernels/bias/bias.h"
#include "kernels/dropout/dropout.h"

namespace dayrun::engine {
namespace {

using Slot = LinearScratch::Slot;
using kernels::WeightForm;

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

/// out = x W^T + b + s (x A^T) B^T.
void multiply_with_lora(const Matrix& out, const Matrix& x, const Linear& linear, const Matrix& xa,
                        LinearScratch& scratch) {
    SumTerm terms[2];
    size_t count = 0;
    if (linear.rank > 0) {
        terms[count++] = {xa, linear.lora_b->matrix(), WeightForm::ColsByInner, linear.scaling};
    }
    if (!linear.weight.is_nf4()) {
        terms[count++] = {x, linear.weight.dense};
        return multiply_sum(out, {terms, count}, linear.bias);
    }
    if (!linear.bias.empty()) multiply_sum(out, {}, linear.bias);
    multiply_frozen(out, x, linear.weight, linear.bias.empty() ? 0.0F : 1.0F, scratch);
    if (linear.rank > 0) multiply_nt(out, xa, linear.lora_b->matrix(), linear.scaling, 1.0F);
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
        const bool is_adapted = linear.rank > 0;
        const Matrix out = output_of(linear, y);
        const Matrix seen = is_adapted ? adapt_one(linear, xa, x, pass) : Matrix{};
        const Matrix own_xa = is_adapted ? rank_of(linear, xa) : Matrix{};
        if (linear.dora == nullptr) {
            multiply_with_lora(out, x, linear, own_xa, pass.scratch);
            continue;
        }
        // The bias is added after the scaling.
        multiply_frozen(out, x, linear.weight, 0.0F, pass.scratch);
        const Matrix base = pass.drops() ? dora_base(linear, seen, pass) : out;
        linear.dora->forward(out, base, dora_lora(linear, own_xa, pass), linear.bias);
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
    const bool is_one_sum = can_sum_back();
    for (const Linear& linear : m_linears) {
        const Matrix whole = output_of(linear, dy);
        const Matrix g =
            linear.dora != nullptr ? linear.dora->scaled(whole, 0.0F, pass.scratch) : whole;
        if (linear.rank > 0) {
            multiply_nn(rank_of(linear, u), g, linear.lora_b->matrix(), linear.scaling);
            add_multiply_tn(linear.lora_b->gradient, g, rank_of(linear, xa), linear.scaling);
        }
        if (dx.empty() || is_one_sum) continue;
        const bool is_split = linear.dora != nullptr && pass.drops();
        multiply_frozen_back(dx, is_split ? whole : g, linear.weight, beta, pass.scratch);
        beta = 1.0F;
        if (linear.rank > 0 && pass.drops()) add_masked_gradient(linear, dx, whole, u, pass);
    }
    if (dx.empty()) return;
    if (is_one_sum) return sum_back(dx, u, dy, pass);
    if (m_rank > 0 && !pass.drops()) multiply_nn(dx, u, m_lora_a, 1.0F, 1.0F);
}

// A quantized weight comes in pieces, and DoRA's scaled gradients share one place.
bool LinearGroup::can_sum_back() const {
    return std::none_of(m_linears.begin(), m_linears.end(), [](const Linear& linear) {
        return linear.dora != nullptr || linear.weight.is_nf4();
    });
}

// dx = sum of G_i W_i + u A in one product; what went through a mask comes after it.
void LinearGroup::sum_back(const Matrix& dx, const Matrix& u, const Matrix& dy,
                           const LinearPass& pass) const {
    std::vector<SumTerm> terms;
    if (m_rank > 0 && !pass.drops()) terms.push_back({u, m_lora_a, WeightForm::InnerByCols});
    for (size_t i = m_linears.size(); i-- > 0;) {
        const Linear& linear = m_linears[i];
        terms.push_back({output_of(linear, dy), linear.weight.dense, WeightForm::InnerByCols});
    }
    multiply_sum(dx, terms);
    if (!pass.drops()) return;
    for (const Linear& linear : m_linears) {
        if (linear.rank > 0) add_masked_gradient(linear, dx, output_of(linear, dy), u, pass);
    }
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
