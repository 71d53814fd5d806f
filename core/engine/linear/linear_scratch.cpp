// Body of linear_scratch.h.
#include "core/engine/linear/linear_scratch.h"

namespace dayrun::engine {

Matrix LinearScratch::take(Slot slot, int64_t rows, int64_t cols, Dtype dtype) {
    Buffer& buffer = m_buffers[static_cast<size_t>(slot)];
    buffer.ensure(rows * cols * kernels::element_bytes(dtype), MemoryPart::Working);
    return dense(buffer.data(), rows, cols, dtype);
}

}  // namespace dayrun::engine
