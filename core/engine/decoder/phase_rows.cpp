// Where a phase's values lie. Neighbour: phase_rows.h.
#include "core/engine/decoder/phase_rows.h"

namespace dayrun::engine {

std::array<Matrix, 3> PhaseRows::take(Phase phase, int64_t count) {
    const int64_t value_bytes = kernels::element_bytes(m_dtype);
    m_block.ensure(core::phase_bytes(m_shape, phase, count, value_bytes), MemoryPart::Working);
    const std::array<int64_t, 3> widths = core::phase_widths(m_shape, phase);
    std::array<Matrix, 3> taken;
    auto* at = static_cast<std::byte*>(m_block.data());
    for (size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] == 0) continue;
        taken[i] = dense(at, count, widths[i], m_dtype);
        at += core::block_bytes(count * widths[i] * value_bytes);
    }
    return taken;
}

}  // namespace dayrun::engine
