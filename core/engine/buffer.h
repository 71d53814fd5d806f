// Memory of the engine: 64-byte aligned blocks counted by part, and row-major views of them.
// Everything the engine keeps over calls is a Buffer, so what a run holds can be listed by part.
// Neighbour: linear/gemm.h multiplies the views. Lives on the run thread; torch-free.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/common/dtype.h"

namespace dayrun::engine {

using kernels::bfloat16;
using kernels::Dtype;

/// What a block of memory is for; the lines of a memory plan.
enum class MemoryPart : int {
    Weights,      // base weights that are not used in place from the mapped file
    Adapters,     // trained parameters: float32 masters and compute copies
    Gradients,    // of the trained parameters
    Optimizer,    // its states
    Activations,  // kept from forward to backward
    Working,      // of one layer at a time, shared by all layers
    Logits,       // one chunk of the loss
    Cache,        // keys and values of generation
    Count
};
std::string_view to_string(MemoryPart part);

/// Bytes held now, and at most since the start of the process, for one part.
int64_t held_bytes(MemoryPart part);
int64_t peak_bytes(MemoryPart part);

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

/// An owned, aligned, counted block. Throws std::bad_alloc, which guard.h turns into an Error.
class Buffer {
  public:
    Buffer() = default;
    Buffer(int64_t bytes, MemoryPart part);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    void* data() const { return m_data; }
    float* floats() const { return static_cast<float*>(m_data); }
    int64_t bytes() const { return m_bytes; }
    void fill_zero();

  private:
    void release();

    void* m_data = nullptr;
    int64_t m_bytes = 0;
    MemoryPart m_part = MemoryPart::Working;
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

  private:
    Buffer m_buffer;
    int64_t m_cols = 0;
    Dtype m_dtype = Dtype::Float32;
    MemoryPart m_part = MemoryPart::Working;
};

}  // namespace dayrun::engine
