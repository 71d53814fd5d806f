// Two slots and a memory of the order. Neighbour: weight_ring.h.
#include "core/engine/cuda/weight_ring.h"

#include "core/engine/cuda/cuda_status.h"

namespace dayrun::engine {

WeightRing::WeightRing(Arena& arena, cudaStream_t work,
                       kernels::Launcher<kernels::Nf4Dequantize> launcher)
    : m_arena(arena), m_work(work), m_launcher(launcher) {
    check_cuda(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking), "make a stream");
    for (Slot& slot : m_slots) {
        for (cudaEvent_t* event : {&slot.made, &slot.used}) {
            check_cuda(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "make an event");
        }
    }
}

WeightRing::~WeightRing() {
    cudaStreamSynchronize(m_stream);
    for (Slot& slot : m_slots) {
        cudaEventDestroy(slot.made);
        cudaEventDestroy(slot.used);
    }
    cudaStreamDestroy(m_stream);
}

bool WeightRing::is_same(const Wanted& a, const Wanted& b) {
    return a.weight.codes == b.weight.codes && a.dtype == b.dtype;
}

void WeightRing::make(Slot& slot, const Wanted& wanted) {
    const int64_t bytes =
        wanted.weight.rows * wanted.weight.cols * kernels::element_bytes(wanted.dtype);
    if (slot.memory.bytes() < bytes) {
        // The old place may be given to the work stream at once, but this stream still writes it.
        check_cuda(cudaStreamSynchronize(m_stream), "dequantize a weight");
        slot.memory = Buffer();
        slot.memory = Buffer(bytes, MemoryPart::Buffers, m_arena);
        // The new place may have been somebody's whose work is queued there.
        check_cuda(cudaEventRecord(slot.used, m_work), "dequantize a weight");
    }
    check_cuda(cudaStreamWaitEvent(m_stream, slot.used, 0), "dequantize a weight");
    slot.content = wanted;
    const int error = m_launcher({.out = slot.memory.data(),
                                  .weight = wanted.weight,
                                  .dtype = wanted.dtype,
                                  .row_begin = 0,
                                  .row_end = wanted.weight.rows},
                                 m_stream);
    if (m_error == 0) m_error = error;
    check_cuda(cudaEventRecord(slot.made, m_stream), "dequantize a weight");
}

Matrix WeightRing::dequantized(const kernels::Nf4Weight& weight, Dtype dtype) {
    const Wanted wanted{weight, dtype};
    // Whatever read the slot in use is queued by now.
    check_cuda(cudaEventRecord(m_slots[m_at].used, m_work), "dequantize a weight");
    if (!is_same(m_slots[m_at].content, wanted)) {
        m_at = 1 - m_at;
        if (!is_same(m_slots[m_at].content, wanted)) make(m_slots[m_at], wanted);
    }
    Slot& here = m_slots[m_at];
    check_cuda(cudaStreamWaitEvent(m_work, here.made, 0), "dequantize a weight");

    if (m_last != nullptr) m_next[{m_before, m_last}] = wanted;
    m_before = std::exchange(m_last, Name{weight.codes});
    const auto next = m_next.find({m_before, m_last});
    Slot& other = m_slots[1 - m_at];
    if (next != m_next.end() && !is_same(next->second, here.content) &&
        !is_same(next->second, other.content)) {
        make(other, next->second);
    }
    return dense(here.memory.data(), weight.rows, weight.cols, dtype);
}

}  // namespace dayrun::engine
