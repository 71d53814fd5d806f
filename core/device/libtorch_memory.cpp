// Neighbour: libtorch_memory.h.
#include "core/device/libtorch_memory.h"

#include <atomic>

namespace dayrun::core {
namespace {

// libtorch 2.11.0+cu130 of the wheel; tests/engine/test_open_torch.cpp holds it against the truth.
constexpr int64_t kTypicalBytes = int64_t{104} << 20;

std::atomic<int64_t> s_bytes = 0;

}  // namespace

void set_libtorch_bytes(int64_t bytes) {
    s_bytes = bytes;
}

int64_t held_libtorch_bytes() {
    return s_bytes;
}

int64_t planned_libtorch_bytes() {
    const int64_t held = s_bytes;
    return held > 0 ? held : kTypicalBytes;
}

}  // namespace dayrun::core
