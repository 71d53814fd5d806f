// Owned blocks and views of them. Neighbour: buffer.h.
#include "core/engine/buffer.h"

#include <utility>

namespace dayrun::engine {

Matrix Matrix::columns(int64_t begin, int64_t count) const {
    auto* const start = static_cast<std::byte*>(data) + begin * kernels::element_bytes(dtype);
    return {start, rows, count, stride, dtype};
}

Matrix Matrix::row_range(int64_t begin, int64_t count) const {
    auto* const start =
        static_cast<std::byte*>(data) + begin * stride * kernels::element_bytes(dtype);
    return {start, count, cols, stride, dtype};
}

Matrix dense(void* data, int64_t rows, int64_t cols, Dtype dtype) {
    return {data, rows, cols, cols, dtype};
}

Buffer::Buffer(int64_t bytes, MemoryPart part, Arena& arena) : m_part(part), m_arena(&arena) {
    if (bytes <= 0) return;
    m_data = arena.allocate(bytes, part);
    m_bytes = counted_bytes(bytes);
}

Buffer::Buffer(Buffer&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)),
      m_bytes(std::exchange(other.m_bytes, 0)),
      m_part(other.m_part),
      m_arena(other.m_arena) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    m_data = std::exchange(other.m_data, nullptr);
    m_bytes = std::exchange(other.m_bytes, 0);
    m_part = other.m_part;
    m_arena = other.m_arena;
    return *this;
}

Buffer::~Buffer() {
    release();
}

void Buffer::fill_zero() {
    if (m_data != nullptr) m_arena->fill_zero(m_data, m_bytes);
}

void Buffer::ensure(int64_t bytes, MemoryPart part, Arena& arena) {
    if (bytes <= m_bytes) return;
    *this = Buffer();
    *this = Buffer(bytes, part, arena);
}

void Buffer::release() {
    if (m_data == nullptr) return;
    m_arena->release(m_data, m_bytes, m_part);
    m_data = nullptr;
    m_bytes = 0;
}

Matrix RowBuffer::rows(int64_t count) {
    m_buffer.ensure(count * m_cols * kernels::element_bytes(m_dtype), m_part);
    return dense(m_buffer.data(), count, m_cols, m_dtype);
}

}  // namespace dayrun::engine
