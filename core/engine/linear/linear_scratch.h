// Working memory of linear modules beyond what a plain product needs: dequantized weights, inputs
// after dropout, DoRA's parts. One set serves all layers and grows to the largest use; a slot's
// content lasts until the slot is taken again. Lives on the run thread; torch-free.
#pragma once

#include <array>

#include "core/engine/buffer.h"

namespace dayrun::engine {

class LinearScratch {
  public:
    enum class Slot : int {
        Weight,      // rows of a dequantized weight
        CastInput,   // the input of a product in NF4's compute type
        CastOutput,  // its output
        Dropped,     // [T, in] input after dropout, or its gradient
        Base,        // [T, out] DoRA: product with the frozen weight
        Lora,        // [T, out] DoRA: the adapter's part
        Scaled,      // [T, out] DoRA: scaled gradient of the output
        Count
    };

    /// An uninitialised dense matrix in the slot.
    Matrix take(Slot slot, int64_t rows, int64_t cols, Dtype dtype);

  private:
    std::array<Buffer, static_cast<size_t>(Slot::Count)> m_buffers;
};

}  // namespace dayrun::engine
