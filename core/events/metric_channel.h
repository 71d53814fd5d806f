// A bounded single-producer, single-consumer ring without locks or allocation: step metrics on
// their way from the run thread to the window. When full it drops and counts; the reader refills
// the gap from SQLite by step number.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace dayrun::core {

template <typename T, size_t kCapacity>
class MetricChannel {
    static_assert(std::is_trivially_copyable_v<T>);
    static_assert((kCapacity & (kCapacity - 1)) == 0, "capacity must be a power of two");

  public:
    /// Producer thread only. False (and counted) when the ring is full.
    bool push(const T& value) {
        const size_t head = m_head.load(std::memory_order_relaxed);
        if (head - m_tail.load(std::memory_order_acquire) == kCapacity) {
            m_dropped.fetch_add(1, std::memory_order_relaxed);
            return false;
        }
        m_values[head & (kCapacity - 1)] = value;
        m_head.store(head + 1, std::memory_order_release);
        return true;
    }

    /// Consumer thread only. Empty when there is nothing to read.
    std::optional<T> pop() {
        const size_t tail = m_tail.load(std::memory_order_relaxed);
        if (tail == m_head.load(std::memory_order_acquire)) return std::nullopt;
        const T value = m_values[tail & (kCapacity - 1)];
        m_tail.store(tail + 1, std::memory_order_release);
        return value;
    }

    /// Values lost to a full ring so far; any thread.
    uint64_t dropped() const { return m_dropped.load(std::memory_order_relaxed); }

  private:
    // The two indices live on separate cache lines so that the threads do not slow each other.
    alignas(64) std::atomic<size_t> m_head{0};
    alignas(64) std::atomic<size_t> m_tail{0};
    alignas(64) std::atomic<uint64_t> m_dropped{0};
    std::array<T, kCapacity> m_values{};
};

}  // namespace dayrun::core
