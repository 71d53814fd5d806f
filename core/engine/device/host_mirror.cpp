// A block or its copy. Neighbour: host_mirror.h.
#include "core/engine/device/host_mirror.h"

namespace dayrun::engine {

HostMirror::HostMirror(void* block, int64_t bytes, MirrorUse use)
    : m_arena(&current_arena()), m_block(block), m_data(block), m_bytes(bytes), m_use(use) {
    if (m_arena->is_host() || bytes == 0) return;
    m_copy.resize(static_cast<size_t>(bytes));
    m_data = m_copy.data();
    if (use != MirrorUse::Write) m_arena->copy_to_host(m_data, block, bytes);
}

HostMirror::~HostMirror() {
    if (m_copy.empty() || m_use == MirrorUse::Read) return;
    m_arena->copy_from_host(m_block, m_data, m_bytes);
}

}  // namespace dayrun::engine
