// Where the engine's blocks come from: the host's memory, or a device's. A Buffer asks the arena of
// its thread, so what is built inside an ArenaScope lies on that arena's device; every block is
// counted in the arena's ledger. The plug-in of a device implements another Arena.
// Neighbours: ledger.h counts, buffer.h asks. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/engine/memory/ledger.h"

namespace dayrun::engine {

/// Blocks begin and are counted in multiples of this many bytes.
inline constexpr int64_t kBlockAlignment = 64;

class Arena {
  public:
    virtual ~Arena() = default;

    /// A counted block of at least `bytes` > 0, aligned to kBlockAlignment; its content is not set.
    /// Throws std::bad_alloc.
    void* allocate(int64_t bytes, MemoryPart part);
    void release(void* data, int64_t bytes, MemoryPart part) noexcept;

    /// Content; calls return when it is done, or are in order with the device's work.
    virtual void fill_zero(void* data, int64_t bytes) = 0;
    virtual void copy_from_host(void* to, const void* from, int64_t bytes) = 0;
    virtual void copy_to_host(void* to, const void* from, int64_t bytes) = 0;

    /// Whether the host may read and write the blocks.
    virtual bool is_host() const = 0;
    virtual std::string_view name() const = 0;  // "host", "cuda:0"

    MemoryLedger& ledger() { return m_ledger; }
    const MemoryLedger& ledger() const { return m_ledger; }

  private:
    virtual void* take(int64_t bytes) = 0;
    virtual void give_back(void* data, int64_t bytes) noexcept = 0;

    MemoryLedger m_ledger;
};

/// What a block of `bytes` is counted as.
constexpr int64_t counted_bytes(int64_t bytes) {
    return (bytes + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
}

/// The process's host memory. Large blocks are mapped one by one and go back to the system at once,
/// so that blocks of changing sizes leave no holes behind.
Arena& host_arena();

/// The arena of the calling thread: the host's, unless a scope says otherwise.
Arena& current_arena();

/// While it lives, buffers made on this thread come from `arena`.
class ArenaScope {
  public:
    explicit ArenaScope(Arena& arena);
    ~ArenaScope();
    ArenaScope(const ArenaScope&) = delete;
    ArenaScope& operator=(const ArenaScope&) = delete;

  private:
    Arena* m_former;
};

/// Counts memory that somebody else holds (a mapped file) as long as it lives.
class CountedBytes {
  public:
    CountedBytes() = default;
    CountedBytes(int64_t bytes, MemoryPart part, Arena& arena = current_arena());
    CountedBytes(CountedBytes&& other) noexcept;
    CountedBytes& operator=(CountedBytes&& other) noexcept;
    ~CountedBytes();

  private:
    void end();

    Arena* m_arena = nullptr;
    int64_t m_bytes = 0;
    MemoryPart m_part = MemoryPart::Buffers;
};

}  // namespace dayrun::engine
