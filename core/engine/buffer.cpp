// Aligned, counted memory. Neighbour: buffer.h.
#include "core/engine/buffer.h"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace dayrun::engine {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kHugePage = int64_t{2} << 20;

struct Counter {
    std::atomic<int64_t> held{0};
    std::atomic<int64_t> peak{0};
};
std::array<Counter, static_cast<size_t>(MemoryPart::Count)> s_counters;

void count(MemoryPart part, int64_t bytes) {
    Counter& counter = s_counters[static_cast<size_t>(part)];
    const int64_t held = counter.held += bytes;
    if (held > counter.peak) counter.peak = held;
}

}  // namespace

std::string_view to_string(MemoryPart part) {
    constexpr std::array<std::string_view, static_cast<size_t>(MemoryPart::Count)> kNames = {
        "weights",     "adapters", "gradients", "optimizer",
        "activations", "working",  "logits",    "cache"};
    return kNames[static_cast<size_t>(part)];
}

int64_t held_bytes(MemoryPart part) {
    return s_counters[static_cast<size_t>(part)].held;
}
int64_t peak_bytes(MemoryPart part) {
    return s_counters[static_cast<size_t>(part)].peak;
}

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

Buffer::Buffer(int64_t bytes, MemoryPart part) : m_part(part) {
    if (bytes <= 0) return;
    // Large blocks on huge pages: matrix products touch them in long strides.
    const bool large = bytes >= 4 * kHugePage;
    const int64_t alignment = large ? kHugePage : kAlignment;
    const int64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    void* data = nullptr;
    if (posix_memalign(&data, static_cast<size_t>(alignment), static_cast<size_t>(rounded)) != 0) {
        throw std::bad_alloc();
    }
    if (large) madvise(data, static_cast<size_t>(rounded), MADV_HUGEPAGE);
    m_data = data;
    m_bytes = rounded;
    count(m_part, m_bytes);
}

Buffer::Buffer(Buffer&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)),
      m_bytes(std::exchange(other.m_bytes, 0)),
      m_part(other.m_part) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    m_data = std::exchange(other.m_data, nullptr);
    m_bytes = std::exchange(other.m_bytes, 0);
    m_part = other.m_part;
    return *this;
}

Buffer::~Buffer() {
    release();
}

void Buffer::fill_zero() {
    if (m_data != nullptr) std::memset(m_data, 0, static_cast<size_t>(m_bytes));
}

void Buffer::release() {
    if (m_data == nullptr) return;
    count(m_part, -m_bytes);
    std::free(m_data);
    m_data = nullptr;
    m_bytes = 0;
}

Matrix RowBuffer::rows(int64_t count) {
    const int64_t bytes = count * m_cols * kernels::element_bytes(m_dtype);
    if (bytes > m_buffer.bytes()) {
        m_buffer = Buffer();  // first give the old block back: the two never exist together
        m_buffer = Buffer(bytes, m_part);
    }
    return dense(m_buffer.data(), count, m_cols, m_dtype);
}

}  // namespace dayrun::engine
