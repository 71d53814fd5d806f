// Pages behind reserved addresses. Neighbour: cuda_arena.h.
#include "core/engine/cuda/cuda_arena.h"

#include <cstring>

#include "core/engine/cuda/cuda_status.h"
#include "core/engine/cuda/driver_calls.h"

namespace dayrun::engine {
namespace {

// Tensor-core loads and 16-byte packs want 256; cudaMalloc gives as much.
constexpr int64_t kStep = 256;
// More than the driver's 2 MiB: fewer calls while a run grows.
constexpr int64_t kPage = int64_t{32} << 20;

CUmemAllocationProp pages_of(int device) {
    CUmemAllocationProp properties{};
    properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    properties.location.id = device;
    return properties;
}

void check_driver(CUresult code, const char* action) {
    if (code == CUDA_SUCCESS) return;
    if (code == CUDA_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    throw DeviceFailure{static_cast<int>(code), action,
                        cudaGetErrorString(static_cast<cudaError_t>(code)), false};
}

}  // namespace

CudaArena::CudaArena(int device, int64_t limit, cudaStream_t stream)
    : m_name("cuda:" + std::to_string(device)),
      m_device(device),
      m_page(kPage),
      m_reserved((limit + kPage - 1) / kPage * kPage),
      m_blocks(kStep, limit / kPage * kPage),
      m_stream(stream) {
    check_driver(driver_calls().address_reserve(&m_base, static_cast<size_t>(m_reserved), 0, 0, 0),
                 "reserve addresses");
}

CudaArena::~CudaArena() {
    cudaStreamSynchronize(m_stream);
    shrink_to(0);
    driver_calls().address_free(m_base, static_cast<size_t>(m_reserved));
}

void* CudaArena::take(int64_t bytes) {
    const auto offset = m_blocks.take(bytes);
    if (!offset) throw std::bad_alloc();
    try {
        grow_to(m_blocks.top());
    } catch (...) {
        m_blocks.give_back(*offset);
        throw;
    }
    return reinterpret_cast<void*>(m_base + static_cast<CUdeviceptr>(*offset));
}

// The next owner's work is behind this one's in the same stream. Pages stay until the arena ends:
// what was needed once is needed again, and taking pages away would wait for the device.
void CudaArena::give_back(void* data, int64_t) noexcept {
    m_blocks.give_back(static_cast<int64_t>(reinterpret_cast<CUdeviceptr>(data) - m_base));
}

void CudaArena::grow_to(int64_t bytes) {
    const CUmemAllocationProp properties = pages_of(m_device);
    CUmemAccessDesc access{};
    access.location = properties.location;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    const auto page = static_cast<size_t>(m_page);
    while (m_mapped < bytes) {
        CUmemGenericAllocationHandle handle{};
        check_driver(driver_calls().create(&handle, page, &properties, 0), "take device memory");
        const CUdeviceptr at = m_base + static_cast<CUdeviceptr>(m_mapped);
        CUresult done = driver_calls().map(at, page, 0, handle, 0);
        if (done == CUDA_SUCCESS) done = driver_calls().set_access(at, page, &access, 1);
        if (done != CUDA_SUCCESS) {
            driver_calls().unmap(at, page);
            driver_calls().release(handle);
            check_driver(done, "map device memory");
        }
        m_pages.push_back(handle);
        m_mapped += m_page;
    }
}

void CudaArena::shrink_to(int64_t bytes) noexcept {
    while (m_mapped - m_page >= bytes && !m_pages.empty()) {
        m_mapped -= m_page;
        driver_calls().unmap(m_base + static_cast<CUdeviceptr>(m_mapped),
                             static_cast<size_t>(m_page));
        driver_calls().release(m_pages.back());
        m_pages.pop_back();
    }
}

void CudaArena::fill_zero(void* data, int64_t bytes) {
    check_cuda(cudaMemsetAsync(data, 0, static_cast<size_t>(bytes), m_stream), "clear memory");
}

// From pageable memory the call returns once the source was read; it is used while loading only.
// Paged states lie in page-locked memory on both sides: the driver sees which memory is which.
void CudaArena::copy_from_host(void* to, const void* from, int64_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, m_stream),
               "copy to the device");
    check_cuda(cudaStreamSynchronize(m_stream), "copy to the device");
}

void CudaArena::copy_to_host(void* to, const void* from, int64_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, m_stream),
               "copy from the device");
    check_cuda(cudaStreamSynchronize(m_stream), "copy from the device");
}

void PinnedArena::fill_zero(void* data, int64_t bytes) {
    std::memset(data, 0, static_cast<size_t>(bytes));
}

void PinnedArena::copy_from_host(void* to, const void* from, int64_t bytes) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
}

void PinnedArena::copy_to_host(void* to, const void* from, int64_t bytes) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
}

void* PinnedArena::take(int64_t bytes) {
    void* data = nullptr;
    const cudaError_t code = cudaHostAlloc(&data, static_cast<size_t>(bytes), cudaHostAllocDefault);
    if (code == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        throw std::bad_alloc();
    }
    check_cuda(code, "take page-locked memory");
    return data;
}

void PinnedArena::give_back(void* data, int64_t) noexcept {
    cudaFreeHost(data);
}

}  // namespace dayrun::engine
