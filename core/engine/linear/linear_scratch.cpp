// Body of linear_scratch.h.
#include "core/engine/linear/linear_scratch.h"

namespace dayrun::engine {

Matrix LinearScratch::take(Slot slot, int64_t rows, int64_t cols, Dtype dtype) {
    Buffer& buffer = m_buffers[static_cast<size_t>(slot)];
    const int64_t bytes = rows * cols * kernels::element_bytes(dtype);
    if (buffer.bytes() < bytes) {
        buffer = Buffer();  // the old one goes first: both at once would count twice
        buffer = Buffer(bytes, MemoryPart::Working);
    }
    return dense(buffer.data(), rows, cols, dtype);
}

}  // namespace dayrun::engine
