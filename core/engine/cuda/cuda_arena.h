// The memory of one device: addresses are reserved once, pages are put behind them as the run grows
// and taken away when they are free again, so the device shows what is really held, in one piece
// and without the losses of many allocations. Bytes are counted by part in the arena's ledger.
// Blocks are 256-byte aligned. Nothing beyond the limit is ever asked of the device.
// Neighbours: block_list.h chooses the offsets, memory/arena.h is the interface.
// Lives on the run thread.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <string>
#include <utility>
#include <vector>

#include "core/engine/memory/arena.h"
#include "core/engine/memory/block_list.h"

namespace dayrun::engine {

class CudaArena : public Arena {
  public:
    /// `limit` bytes at most, of the current device; the queue's stream orders content.
    CudaArena(int device, int64_t limit, cudaStream_t stream);
    ~CudaArena() override;

    void fill_zero(void* data, int64_t bytes) override;
    void copy_from_host(void* to, const void* from, int64_t bytes) override;
    void copy_to_host(void* to, const void* from, int64_t bytes) override;
    bool is_host() const override { return false; }
    std::string_view name() const override { return m_name; }

  private:
    void* take(int64_t bytes) override;
    void give_back(void* data, int64_t bytes) noexcept override;
    void grow_to(int64_t bytes);
    void shrink_to(int64_t bytes) noexcept;

    std::string m_name;
    int m_device;
    int64_t m_page = 0;
    int64_t m_reserved = 0;
    int64_t m_mapped = 0;
    CUdeviceptr m_base = 0;
    BlockList m_blocks;
    std::vector<CUmemGenericAllocationHandle> m_pages;  // each of m_page bytes
    cudaStream_t m_stream;
};

/// Page-locked host memory: copies to and from it overlap with work. Counted like any arena.
class PinnedArena : public Arena {
  public:
    void fill_zero(void* data, int64_t bytes) override;
    void copy_from_host(void* to, const void* from, int64_t bytes) override;
    void copy_to_host(void* to, const void* from, int64_t bytes) override;
    bool is_host() const override { return true; }
    std::string_view name() const override { return "pinned"; }

  private:
    void* take(int64_t bytes) override;
    void give_back(void* data, int64_t bytes) noexcept override;
};

}  // namespace dayrun::engine
