// Memory of the engine: 64-byte aligned blocks counted by part, and row-major views of them.
// Everything the engine keeps over calls is a Buffer, so what a run holds can be listed by part.
// Neighbours: memory/arena.h gives the blocks, linear/gemm.h multiplies the views.
// Lives on the run thread; torch-free.
#pragma once

#include <cstdint>

#include "core/engine/memory/arena.h"
#include "kernels/common/dtype.h"

namespace dayrun::engine {

using kernels::bfloat16;
using kernels::Dtype;

/// A row-major matrix somewhere in memory; a view, never an owner.
struct Matrix {
    void* data = nullptr;
    int64_t rows = 0;
    int64_t cols = 0;
    int64_t stride = 0;  // elements between rows
    Dtype dtype = Dtype::Float32;

    bool empty() const { return data == nullptr; }
    float* floats() const { return static_cast<float*>(data); }
    Matrix columns(int64_t begin, int64_t count) const;
    Matrix row_range(int64_t begin, int64_t count) const;
};

/// A dense matrix over memory that somebody else owns.
Matrix dense(void* data, int64_t rows, int64_t cols, Dtype dtype);

/// An owned, aligned block of the thread's arena, counted there. Throws std::bad_alloc, which
/// guard.h turns into an Error.
class Buffer {
  public:
    Buffer() = default;
    Buffer(int64_t bytes, MemoryPart part, Arena& arena = current_arena());
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    void* data() const { return m_data; }
    float* floats() const { return static_cast<float*>(m_data); }
    int64_t bytes() const { return m_bytes; }
    void fill_zero();
    /// Makes it hold at least `bytes`. Growing loses the content: the old block goes back first, so
    /// that the two never exist together.
    void ensure(int64_t bytes, MemoryPart part, Arena& arena = current_arena());

  private:
    void release();

    void* m_data = nullptr;
    int64_t m_bytes = 0;
    MemoryPart m_part = MemoryPart::Working;
    Arena* m_arena = nullptr;
};

/// A matrix with one row per token that grows to the largest micro-batch seen. Growing loses the
/// content: it happens before the first write of a forward.
class RowBuffer {
  public:
    RowBuffer() = default;
    RowBuffer(int64_t cols, Dtype dtype, MemoryPart part)
        : m_cols(cols), m_dtype(dtype), m_part(part) {}

    Matrix rows(int64_t count);
    int64_t cols() const { return m_cols; }
    /// Gives the memory back; the next rows() asks for it again.
    void release() { m_buffer = Buffer(); }

  private:
    Buffer m_buffer;
    int64_t m_cols = 0;
    Dtype m_dtype = Dtype::Float32;
    MemoryPart m_part = MemoryPart::Working;
};

}  // namespace dayrun::engine
