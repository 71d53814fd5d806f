// Working memory that a task keeps from call to call, as a thread_local of its file: every thread
// of the backend (parallel.h) has its own, and frees it when it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

namespace dayrun::kernels {

template <class T>
class ThreadMemory {
  public:
    /// At least `count` elements, aligned to 64 bytes, with any content; an earlier answer is no
    /// longer valid. Throws std::bad_alloc, and is as new then.
    T* take(int64_t count) {
        if (count > m_count) {
            m_count = 0;
            m_data.reset();
            m_data.reset(static_cast<T*>(
                ::operator new (static_cast<size_t>(count) * sizeof(T), std::align_val_t{64})));
            m_count = count;
        }
        return m_data.get();
    }

  private:
    struct Free {
        void operator()(T* data) const { ::operator delete (data, std::align_val_t{64}); }
    };
    std::unique_ptr<T, Free> m_data;
    int64_t m_count = 0;
};

}  // namespace dayrun::kernels
