// libtorch's allocator is set once for the process and asks the arena of the stream.
// Neighbour: torch_memory.h.
#include "core/engine/cuda/torch_memory.h"

#include <ATen/cuda/CUDAContextLight.h>
#include <torch/csrc/cuda/CUDAPluggableAllocator.h>

#include <algorithm>
#include <map>

namespace dayrun::engine {
namespace {

std::map<cudaStream_t, Arena*> s_arenas;

int64_t size_of(size_t bytes) {
    return std::max<int64_t>(1, static_cast<int64_t>(bytes));
}

void* take(size_t bytes, int, cudaStream_t stream) {
    return s_arenas.at(stream)->allocate(size_of(bytes), MemoryPart::Working);
}

void give_back(void* data, size_t bytes, int, cudaStream_t stream) {
    s_arenas.at(stream)->release(data, size_of(bytes), MemoryPart::Working);
}

// libtorch lets its allocator be exchanged only before it gave anything out.
void use_own_allocator() {
    using torch::cuda::CUDAPluggableAllocator::changeCurrentAllocator;
    using torch::cuda::CUDAPluggableAllocator::createCustomAllocator;
    static const bool s_is_set = [] {
        changeCurrentAllocator(createCustomAllocator(&take, &give_back));
        return true;
    }();
    static_cast<void>(s_is_set);
}

}  // namespace

TorchMemory::TorchMemory(Arena& arena, cudaStream_t stream) : m_stream(stream) {
    use_own_allocator();
    s_arenas[stream] = &arena;
}

// Workspaces of all streams go: those of other accelerators are made again at their next use.
TorchMemory::~TorchMemory() {
    at::cuda::clearCublasWorkspaces();
    s_arenas.erase(m_stream);
}

}  // namespace dayrun::engine
