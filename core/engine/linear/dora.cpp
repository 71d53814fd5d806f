// Body of dora.h.
#include "core/engine/linear/dora.h"

#include <algorithm>

#include "core/engine/device/host_mirror.h"
#include "kernels/dora/dora.h"

namespace dayrun::engine {

Dora::Dora(const Parameter* magnitude)
    : m_magnitude(magnitude),
      m_norm(magnitude->count * 4, MemoryPart::Adapters),
      m_scale(magnitude->count * 4, MemoryPart::Adapters) {}

// The rows go through working memory piece by piece: the dense sum never exists.
void Dora::refresh(const FrozenWeight& weight, const Parameter& a, const Parameter& b,
                   float scaling, LinearScratch& scratch) {
    const int64_t rows = dequantized_rows(weight.rows(), weight.cols(), Dtype::Float32);
    const Matrix memory =
        scratch.take(LinearScratch::Slot::Weight, rows, weight.cols(), Dtype::Float32);
    for (int64_t begin = 0; begin < weight.rows(); begin += rows) {
        const Matrix sum = memory.row_range(0, std::min(rows, weight.rows() - begin));
        read_weight_rows(sum, weight, begin);
        multiply_nn(sum, b.seen().row_range(begin, sum.rows), a.seen(), scaling, 1.0F);
        kernels::dora_norms({.norm = m_norm.floats() + begin,
                             .scale = m_scale.floats() + begin,
                             .weight = sum.floats(),
                             .magnitude = m_magnitude->seen().floats() + begin,
                             .rows = sum.rows,
                             .cols = sum.cols});
    }
}

void Dora::take_lengths() {
    const int64_t bytes = m_magnitude->count * 4;
    {
        const HostMirror norm(m_norm.data(), bytes, MirrorUse::Read);
        const HostMirror magnitude(m_magnitude->value, bytes, MirrorUse::Write);
        std::copy_n(norm.floats(), m_magnitude->count, magnitude.floats());
    }
    m_magnitude->refresh_copy();
    const HostMirror norm(m_norm.data(), bytes, MirrorUse::Read);
    const HostMirror magnitude(m_magnitude->seen().data, bytes, MirrorUse::Read);
    const HostMirror scale(m_scale.data(), bytes, MirrorUse::Write);
    for (int64_t i = 0; i < m_magnitude->count; ++i) {
        const float length = norm.floats()[i];
        scale.floats()[i] = length > 0 ? magnitude.floats()[i] / length : 1.0F;
    }
}

void Dora::forward(const Matrix& out, const Matrix& base, const Matrix& lora,
                   const Matrix& bias) const {
    kernels::dora_forward({.out = out.data,
                           .base = base.data,
                           .lora = lora.data,
                           .scale = m_scale.floats(),
                           .bias = bias.data,
                           .dtype = out.dtype,
                           .tokens = out.rows,
                           .cols = out.cols,
                           .out_stride = out.stride,
                           .base_stride = base.stride,
                           .lora_stride = lora.stride});
}

Matrix Dora::scaled(const Matrix& dy, float minus, LinearScratch& scratch) const {
    using Slot = LinearScratch::Slot;
    const Matrix out =
        scratch.take(minus == 0.0F ? Slot::Scaled : Slot::Lora, dy.rows, dy.cols, dy.dtype);
    kernels::dora_scale({.out = out.data,
                         .dy = dy.data,
                         .scale = m_scale.floats(),
                         .minus = minus,
                         .dtype = dy.dtype,
                         .tokens = dy.rows,
                         .cols = dy.cols,
                         .dy_stride = dy.stride});
    return out;
}

void Dora::add_gradient(const Matrix& dy, const Matrix& base, const Matrix& lora) const {
    kernels::dora_magnitude({.dmagnitude = m_magnitude->gradient,
                             .dy = dy.data,
                             .base = base.data,
                             .lora = lora.data,
                             .norm = m_norm.floats(),
                             .dtype = dy.dtype,
                             .tokens = dy.rows,
                             .cols = dy.cols,
                             .dy_stride = dy.stride,
                             .base_stride = base.stride,
                             .lora_stride = lora.stride});
}

}  // namespace dayrun::engine
