// The emulated device's pager: states in the host's memory, brought in small pieces through slots
// in the device's memory and back again. A piece that was not asked for, or a slot used twice at
// once, ends in wrong values, since a slot holds NaNs until a piece has come.
// Neighbours: emulated_device.h hands it out, core/engine/optimizer/state_pager.h is the interface.
// Test thread only.
#pragma once

#include <array>

#include "core/engine/optimizer/state_pager.h"

namespace dayrun::tests {

class EmulatedPager : public engine::StatePager {
  public:
    explicit EmulatedPager(engine::Arena& device);

    engine::Buffer make_states(int64_t bytes) override;
    int64_t piece_limit() const override;
    void prefetch(size_t index, const engine::StatePiece& piece) override;
    engine::StatePiece fetched(size_t index, const engine::StatePiece& piece) override;
    void finish(size_t index, const engine::StatePiece& piece) override;
    void settle() override {}

  private:
    struct Slot {
        engine::Buffer m, v;
    };
    Slot& slot_of(size_t index) { return m_slots[index % m_slots.size()]; }

    engine::Arena& m_device;
    std::array<Slot, 2> m_slots;
};

}  // namespace dayrun::tests
