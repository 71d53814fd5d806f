// The host's arena, and which arena a thread uses. Neighbour: arena.h.
#include "core/engine/memory/arena.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace dayrun::engine {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;
// Below this many bytes the C library's heap is faster and wastes no page.
constexpr int64_t kMapped = int64_t{1} << 20;
// From here on huge pages pay: matrix products touch such blocks in long strides.
constexpr int64_t kHuge = 4 * kHugePage;

class HostArena : public Arena {
  public:
    void fill_zero(void* data, int64_t bytes) override {
        std::memset(data, 0, static_cast<size_t>(bytes));
    }
    void copy_from_host(void* to, const void* from, int64_t bytes) override {
        std::memcpy(to, from, static_cast<size_t>(bytes));
    }
    void copy_to_host(void* to, const void* from, int64_t bytes) override {
        std::memcpy(to, from, static_cast<size_t>(bytes));
    }
    bool is_host() const override { return true; }
    std::string_view name() const override { return "host"; }

  private:
    void* take(int64_t bytes) override {
        if (bytes >= kMapped) return map(bytes);
        void* data = nullptr;
        if (posix_memalign(&data, kBlockAlignment, static_cast<size_t>(bytes)) != 0) {
            throw std::bad_alloc();
        }
        return data;
    }

    void give_back(void* data, int64_t bytes) noexcept override {
        if (bytes >= kMapped) {
            munmap(data, static_cast<size_t>(bytes));
        } else {
            std::free(data);
        }
    }

    static void* map(int64_t bytes) {
        // A huge block begins on a huge page: map one more and give both ends back.
        const int64_t slack = bytes >= kHuge ? kHugePage : 0;
        void* const mapped = mmap(nullptr, static_cast<size_t>(bytes + slack),
                                  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) throw std::bad_alloc();
        if (slack == 0) return mapped;
        auto* const begin = static_cast<std::byte*>(mapped);
        const int64_t before =
            (kHugePage - static_cast<int64_t>(reinterpret_cast<uintptr_t>(begin) % kHugePage)) %
            kHugePage;
        auto* const data = begin + before;
        if (before > 0) munmap(begin, static_cast<size_t>(before));
        // The end is a page's border only when the block's size is: the rest of its last page
        // stays.
        const int64_t page_end = (bytes + 4095) / 4096 * 4096;
        if (slack > before + page_end - bytes) {
            munmap(data + page_end, static_cast<size_t>(slack - before - (page_end - bytes)));
        }
        madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);
        return data;
    }
};

thread_local Arena* t_arena = nullptr;

}  // namespace

void* Arena::allocate(int64_t bytes, MemoryPart part) {
    const int64_t counted = counted_bytes(bytes);
    m_ledger.add(part, counted);
    try {
        return take(counted);
    } catch (...) {
        m_ledger.remove(part, counted);
        throw;
    }
}

void Arena::release(void* data, int64_t bytes, MemoryPart part) noexcept {
    const int64_t counted = counted_bytes(bytes);
    give_back(data, counted);
    m_ledger.remove(part, counted);
}

Arena& host_arena() {
    // Never destroyed: libtorch may give blocks back while the process ends.
    static auto* const s_arena = new HostArena();
    return *s_arena;
}

Arena& current_arena() {
    return t_arena != nullptr ? *t_arena : host_arena();
}

ArenaScope::ArenaScope(Arena& arena) : m_former(std::exchange(t_arena, &arena)) {}

ArenaScope::~ArenaScope() {
    t_arena = m_former;
}

CountedBytes::CountedBytes(int64_t bytes, MemoryPart part, Arena& arena)
    : m_arena(&arena), m_bytes(bytes), m_part(part) {
    m_arena->ledger().add(m_part, m_bytes);
}

CountedBytes::CountedBytes(CountedBytes&& other) noexcept
    : m_arena(std::exchange(other.m_arena, nullptr)),
      m_bytes(other.m_bytes),
      m_part(other.m_part) {}

CountedBytes& CountedBytes::operator=(CountedBytes&& other) noexcept {
    if (this == &other) return *this;
    end();
    m_arena = std::exchange(other.m_arena, nullptr);
    m_bytes = other.m_bytes;
    m_part = other.m_part;
    return *this;
}

CountedBytes::~CountedBytes() {
    end();
}

void CountedBytes::end() {
    if (m_arena != nullptr) m_arena->ledger().remove(m_part, m_bytes);
    m_arena = nullptr;
}

}  // namespace dayrun::engine
