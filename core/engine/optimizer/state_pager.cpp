// The pager that moves nothing. Neighbour: state_pager.h.
#include "core/engine/optimizer/state_pager.h"

namespace dayrun::engine {
namespace {

class InPlacePager : public StatePager {
  public:
    Buffer make_states(int64_t bytes) override {
        Buffer states(bytes, MemoryPart::Optimizer);
        states.fill_zero();
        return states;
    }
    int64_t piece_limit() const override { return 0; }
    void prefetch(size_t, const StatePiece&) override {}
    StatePiece fetched(size_t, const StatePiece& piece) override { return piece; }
    void finish(size_t, const StatePiece&) override {}
    void settle() override {}
};

}  // namespace

std::unique_ptr<StatePager> in_place_pager() {
    return std::make_unique<InPlacePager>();
}

}  // namespace dayrun::engine
