// What memory is for: the lines of a memory plan, and the tags under which the engine counts what
// it really asks for. One list for both, so that a prediction can be held against its measurement.
// Plain values: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dayrun::core {

enum class MemoryPart : int {
    Weights,      // the base, where the file is mapped or copied
    Constants,    // of its quantization: block maxima and code books
    Adapters,     // trained parameters: float32 masters and compute copies
    Gradients,    // of the trained parameters
    Optimizer,    // its states
    Activations,  // kept from forward to backward
    Working,      // of one layer at a time, shared by all layers
    Logits,       // one chunk of the loss
    Buffers,      // tables, dequantized weights and a device's workspace
    Cache,        // keys and values of generation
    Libtorch,     // on a CPU: its code and tables, once a process, and its own scratch
    Overhead,     // the process itself: code, thread stacks, a device's context
    Count
};

/// "weights", "constants", …: stable, for --json and the records.
std::string_view to_string(MemoryPart part);

/// Bytes by part.
using PartBytes = std::array<int64_t, static_cast<size_t>(MemoryPart::Count)>;

}  // namespace dayrun::core
