// Copies at once. Neighbour: emulated_pager.h.
#include "tests/engine/emulated_pager.h"

namespace dayrun::tests {
namespace {

// Not a multiple of anything in the models: pieces begin and end inside parameters.
constexpr int64_t kPieceElements = 97;

}  // namespace

EmulatedPager::EmulatedPager(engine::Arena& device) : m_device(device) {
    for (Slot& slot : m_slots) {
        slot.m = engine::Buffer(kPieceElements * 4, engine::MemoryPart::Optimizer, device);
        slot.v = engine::Buffer(kPieceElements * 4, engine::MemoryPart::Optimizer, device);
    }
}

engine::Buffer EmulatedPager::make_states(int64_t bytes) {
    engine::Buffer states(bytes, engine::MemoryPart::Optimizer, engine::host_arena());
    states.fill_zero();
    return states;
}

int64_t EmulatedPager::piece_limit() const {
    return kPieceElements;
}

void EmulatedPager::prefetch(size_t index, const engine::StatePiece& piece) {
    const Slot& slot = slot_of(index);
    m_device.copy_from_host(slot.m.data(), piece.m, piece.count * 4);
    m_device.copy_from_host(slot.v.data(), piece.v, piece.count * 4);
}

engine::StatePiece EmulatedPager::fetched(size_t index, const engine::StatePiece& piece) {
    const Slot& slot = slot_of(index);
    return {slot.m.floats(), slot.v.floats(), piece.count};
}

void EmulatedPager::finish(size_t index, const engine::StatePiece& piece) {
    const Slot& slot = slot_of(index);
    m_device.copy_to_host(piece.m, slot.m.data(), piece.count * 4);
    m_device.copy_to_host(piece.v, slot.v.data(), piece.count * 4);
}

}  // namespace dayrun::tests
