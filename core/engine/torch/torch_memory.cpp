// Each block is preceded by one aligned line that holds its size, since libtorch does not say it
// when it gives the block back. Small and short-lived blocks come and go with every product, so
// they stay in the C library's heap. Neighbour: torch_memory.h.
#include "core/engine/torch/torch_memory.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "core/engine/memory/arena.h"

namespace dayrun::engine {
namespace {

TorchHost s_host;

void* take(size_t bytes) {
    const auto size = counted_bytes(static_cast<int64_t>(bytes)) + kBlockAlignment;
    if (!s_host.take(size)) throw std::bad_alloc();
    void* const block =
        std::aligned_alloc(static_cast<size_t>(kBlockAlignment), static_cast<size_t>(size));
    if (block == nullptr) {
        s_host.give_back(size);
        throw std::bad_alloc();
    }
    std::memcpy(block, &size, sizeof(size));
    return static_cast<std::byte*>(block) + kBlockAlignment;
}

void give_back(void* data) {
    if (data == nullptr) return;
    void* const block = static_cast<std::byte*>(data) - kBlockAlignment;
    int64_t size = 0;
    std::memcpy(&size, block, sizeof(size));
    std::free(block);
    s_host.give_back(size);
}

class CountingAllocator final : public c10::Allocator {
  public:
    c10::DataPtr allocate(size_t bytes) override {
        const c10::Device device(c10::DeviceType::CPU);
        if (bytes == 0) return {nullptr, nullptr, &give_back, device};
        void* const data = take(bytes);
        return {data, data, &give_back, device};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
    void copy_data(void* to, const void* from, std::size_t bytes) const override {
        std::memcpy(to, from, bytes);
    }
};

}  // namespace

void count_torch_allocations(const TorchHost& host) {
    static std::once_flag s_once;
    std::call_once(s_once, [&] {
        s_host = host;
        // Products take and give back scratch of up to some tens of MiB each: the heap keeps it,
        // since pages that go back to the system come back cleared one fault at a time.
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
        mallopt(M_TRIM_THRESHOLD, 64 << 20);
        // Never destroyed: libtorch's own statics give blocks back while the process ends.
        static auto* const s_allocator = new CountingAllocator();
        c10::SetCPUAllocator(s_allocator, 1);
    });
}

void* torch_allocate(int64_t bytes) {
    try {
        return c10::GetCPUAllocator()->raw_allocate(static_cast<size_t>(bytes));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void torch_release(void* data) {
    c10::GetCPUAllocator()->raw_deallocate(data);
}

}  // namespace dayrun::engine
