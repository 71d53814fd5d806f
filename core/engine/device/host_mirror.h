// Host access to memory of the thread's arena: the block itself where the host can reach it, else a
// copy of it that is written back at the end. So explicit that a reader sees every crossing.
// Neighbours: memory/arena.h, accelerator.h. Lives on the run thread; torch-free.
#pragma once

#include <cstddef>
#include <vector>

#include "core/engine/buffer.h"

namespace dayrun::engine {

enum class MirrorUse {
    Read,   // the content is copied in; nothing is written back
    Write,  // the content is not read; all of it is written back
    Change  // both
};

class HostMirror {
  public:
    HostMirror(void* block, int64_t bytes, MirrorUse use);
    ~HostMirror();
    HostMirror(const HostMirror&) = delete;
    HostMirror& operator=(const HostMirror&) = delete;

    void* data() const { return m_data; }
    float* floats() const { return static_cast<float*>(m_data); }

  private:
    Arena* m_arena = nullptr;
    void* m_block = nullptr;
    void* m_data = nullptr;
    int64_t m_bytes = 0;
    MirrorUse m_use;
    std::vector<std::byte> m_copy;
};

}  // namespace dayrun::engine
