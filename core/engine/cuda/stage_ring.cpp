// The ring's slots. Neighbour: stage_ring.h.
#include "core/engine/cuda/stage_ring.h"

#include <algorithm>
#include <cstring>

#include "core/engine/cuda/cuda_status.h"

namespace dayrun::engine {
namespace {

constexpr int64_t kChunkBytes = int64_t{1} << 20;
constexpr int64_t kAlignment = 256;

}  // namespace

StageRing::StageRing(Arena& device, PinnedArena& pinned, cudaStream_t work)
    : m_device(device), m_pinned(pinned), m_work(work) {
    check_cuda(cudaStreamCreateWithFlags(&m_copies, cudaStreamNonBlocking), "make a stream");
    check_cuda(cudaEventCreateWithFlags(&m_copied, cudaEventDisableTiming), "make an event");
    for (Slot& slot : m_slots) {
        check_cuda(cudaEventCreateWithFlags(&slot.read, cudaEventDisableTiming), "make an event");
    }
}

StageRing::~StageRing() {
    cudaStreamSynchronize(m_copies);
    for (Slot& slot : m_slots) cudaEventDestroy(slot.read);
    cudaEventDestroy(m_copied);
    cudaStreamDestroy(m_copies);
}

void StageRing::next() {
    check_cuda(cudaEventRecord(m_slots[m_at].read, m_work), "mark a micro-batch's end");
    m_slots[m_at].is_waited = false;
    m_at = (m_at + 1) % m_slots.size();
    Slot& slot = m_slots[m_at];
    if (!slot.is_waited) check_cuda(cudaEventSynchronize(slot.read), "wait for a micro-batch");
    slot.is_waited = true;
    for (Chunk& chunk : slot.chunks) chunk.used = 0;
}

StageRing::Chunk& StageRing::chunk_for(int64_t bytes) {
    Slot& slot = m_slots[m_at];
    for (Chunk& chunk : slot.chunks) {
        if (chunk.used + bytes <= chunk.device.bytes()) return chunk;
    }
    slot.chunks.push_back(make_chunk(std::max(bytes, kChunkBytes)));
    return slot.chunks.back();
}

// The arena gives memory whose last owner's work may still be queued on the work stream; the copies
// have a stream of their own and must not come before it.
StageRing::Chunk StageRing::make_chunk(int64_t bytes) {
    Chunk chunk{Buffer(bytes, MemoryPart::Buffers, m_pinned),
                Buffer(bytes, MemoryPart::Buffers, m_device)};
    check_cuda(cudaEventRecord(m_copied, m_work), "copy a micro-batch");
    check_cuda(cudaStreamWaitEvent(m_copies, m_copied, 0), "copy a micro-batch");
    return chunk;
}

const int32_t* StageRing::stage(const int32_t* values, int64_t count) {
    const int64_t bytes = (count * 4 + kAlignment - 1) / kAlignment * kAlignment;
    Chunk& chunk = chunk_for(std::max(bytes, kAlignment));
    auto* const host = static_cast<std::byte*>(chunk.host.data()) + chunk.used;
    auto* const device = static_cast<std::byte*>(chunk.device.data()) + chunk.used;
    chunk.used += std::max(bytes, kAlignment);
    const auto size = static_cast<size_t>(count * 4);
    std::memcpy(host, values, size);
    check_cuda(cudaMemcpyAsync(device, host, size, cudaMemcpyHostToDevice, m_copies),
               "copy a micro-batch");
    check_cuda(cudaEventRecord(m_copied, m_copies), "copy a micro-batch");
    check_cuda(cudaStreamWaitEvent(m_work, m_copied, 0), "copy a micro-batch");
    return reinterpret_cast<const int32_t*>(device);
}

}  // namespace dayrun::engine
