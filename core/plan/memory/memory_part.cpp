// Names of the parts. Neighbour: memory_part.h.
#include "core/plan/memory/memory_part.h"

#include <array>
#include <cstddef>

namespace dayrun::core {

std::string_view to_string(MemoryPart part) {
    constexpr std::array<std::string_view, static_cast<size_t>(MemoryPart::Count)> kNames = {
        "weights", "constants", "adapters", "gradients", "optimizer", "activations",
        "working", "logits",    "buffers",  "cache",     "libtorch",  "overhead"};
    return kNames[static_cast<size_t>(part)];
}

}  // namespace dayrun::core
