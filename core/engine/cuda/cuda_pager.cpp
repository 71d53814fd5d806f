// Pieces on their way. Neighbour: cuda_pager.h.
#include "core/engine/cuda/cuda_pager.h"

#include "core/engine/cuda/cuda_status.h"

namespace dayrun::engine {
namespace {

// 16 MiB a moment: large enough for the full rate of the bus, and six of them are small on a card.
// The memory estimate counts with them (core/plan/memory/memory_estimate.cpp).
constexpr int64_t kPieceElements = int64_t{4} << 20;

void copy(void* to, const void* from, int64_t count, cudaMemcpyKind kind, cudaStream_t stream) {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(count * 4), kind, stream),
               "move optimizer states");
}

}  // namespace

CudaPager::CudaPager(Arena& device, PinnedArena& pinned, cudaStream_t work)
    : m_pinned(pinned), m_work(work) {
    for (cudaStream_t* stream : {&m_coming, &m_going}) {
        check_cuda(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "make a stream");
    }
    for (Slot& slot : m_slots) {
        slot.m = Buffer(kPieceElements * 4, MemoryPart::Optimizer, device);
        slot.v = Buffer(kPieceElements * 4, MemoryPart::Optimizer, device);
        for (cudaEvent_t* event : {&slot.arrived, &slot.used, &slot.returned}) {
            check_cuda(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "make an event");
        }
    }
}

CudaPager::~CudaPager() {
    cudaStreamSynchronize(m_coming);
    cudaStreamSynchronize(m_going);
    for (Slot& slot : m_slots) {
        for (const cudaEvent_t event : {slot.arrived, slot.used, slot.returned}) {
            cudaEventDestroy(event);
        }
    }
    cudaStreamDestroy(m_coming);
    cudaStreamDestroy(m_going);
}

Buffer CudaPager::make_states(int64_t bytes) {
    Buffer states(bytes, MemoryPart::Optimizer, m_pinned);
    states.fill_zero();
    return states;
}

int64_t CudaPager::piece_limit() const {
    return kPieceElements;
}

// A slot is free once its last piece has gone back; an event that was never recorded is done.
void CudaPager::prefetch(size_t index, const StatePiece& piece) {
    Slot& slot = slot_of(index);
    check_cuda(cudaStreamWaitEvent(m_coming, slot.returned, 0), "move optimizer states");
    copy(slot.m.data(), piece.m, piece.count, cudaMemcpyHostToDevice, m_coming);
    copy(slot.v.data(), piece.v, piece.count, cudaMemcpyHostToDevice, m_coming);
    check_cuda(cudaEventRecord(slot.arrived, m_coming), "move optimizer states");
}

StatePiece CudaPager::fetched(size_t index, const StatePiece& piece) {
    Slot& slot = slot_of(index);
    check_cuda(cudaStreamWaitEvent(m_work, slot.arrived, 0), "move optimizer states");
    return {slot.m.floats(), slot.v.floats(), piece.count};
}

void CudaPager::finish(size_t index, const StatePiece& piece) {
    Slot& slot = slot_of(index);
    check_cuda(cudaEventRecord(slot.used, m_work), "move optimizer states");
    check_cuda(cudaStreamWaitEvent(m_going, slot.used, 0), "move optimizer states");
    copy(piece.m, slot.m.data(), piece.count, cudaMemcpyDeviceToHost, m_going);
    copy(piece.v, slot.v.data(), piece.count, cudaMemcpyDeviceToHost, m_going);
    check_cuda(cudaEventRecord(slot.returned, m_going), "move optimizer states");
}

void CudaPager::settle() {
    check_cuda(cudaStreamSynchronize(m_going), "move optimizer states");
}

}  // namespace dayrun::engine
