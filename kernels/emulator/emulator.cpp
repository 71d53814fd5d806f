// Body of emulator.h: the scheduler of one block at a time.
#include "kernels/emulator/emulator.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "kernels/emulator/fiber.h"

namespace dayrun::kernels {
namespace {

constexpr int kWarp = 32;

/// Where a thread stands.
enum class At { Ready, Barrier, WarpExchange, End };

const char* name_of(At at) {
    switch (at) {
        case At::Ready:
            return "ready";
        case At::Barrier:
            return "at a barrier";
        case At::WarpExchange:
            return "at a shuffle or vote";
        case At::End:
            return "finished";
    }
    return "";
}

struct Thread {
    Fiber fiber;
    At at = At::End;
    /// Counts the exchanges of this thread. Two words per lane are enough: nobody passes a third
    /// before everybody has read the first.
    int exchanges = 0;
    uint64_t passed[2] = {0, 0};
    void* start = nullptr;
};

FiberStacks& stacks() {
    static FiberStacks s_stacks;
    return s_stacks;
}

}  // namespace

EmulatorSettings& emulator_settings() {
    static EmulatorSettings s_settings;
    return s_settings;
}

class EmulatedBlockRun {
  public:
    EmulatedBlockRun(const EmulatedKernel& kernel, int64_t grid, EmulatedOrder order)
        : m_kernel(kernel), m_grid(grid), m_order(order) {
        if (kernel.switches) m_threads.reset(new Thread[static_cast<size_t>(kernel.threads)]);
    }

    void run(int64_t index) {
        m_index = index;
        // Exact and on the heap, with NaNs in it: what is read must have been written.
        m_shared.reset(new std::byte[m_kernel.shared_bytes]);
        std::memset(m_shared.get(), 0xFF, m_kernel.shared_bytes);
        if (m_kernel.switches) {
            run_fibers();
        } else {
            for_each_thread([&](int thread) {
                Block block(*this, thread);
                m_kernel.run_thread(m_kernel.body, block);
            });
        }
    }

    int64_t index() const { return m_index; }
    int64_t grid() const { return m_grid; }

    void* shared(std::size_t bytes) const {
        if (bytes > m_kernel.shared_bytes) fail(0, "uses more shared memory than it asked for");
        return m_shared.get();
    }

    void wait(int thread, At at) {
        if (!m_kernel.switches) fail(thread, "has a switch point, but kSwitches is false");
        m_threads[static_cast<size_t>(thread)].at = at;
        Fiber::pause();
    }

    uint64_t exchange(int thread, uint64_t word, int lane) {
        if (!m_kernel.switches) fail(thread, "has a switch point, but kSwitches is false");
        Thread& own = m_threads[static_cast<size_t>(thread)];
        const int slot = own.exchanges++ % 2;
        own.passed[slot] = word;
        wait(thread, At::WarpExchange);
        return m_threads[warp_mate(thread, lane)].passed[slot];
    }

    uint32_t ballot(int thread, bool vote) {
        Thread& own = m_threads[static_cast<size_t>(thread)];
        const int slot = own.exchanges % 2;
        exchange(thread, vote ? 1 : 0, 0);
        uint32_t bits = 0;
        for (int lane = 0; lane < kWarp; ++lane) {
            const uint64_t vote_there = m_threads[warp_mate(thread, lane)].passed[slot];
            bits |= static_cast<uint32_t>(vote_there) << lane;
        }
        return bits;
    }

    [[noreturn]] void fail(int thread, const std::string& what) const {
        throw std::logic_error("block " + std::to_string(m_index) + " of " +
                               std::to_string(m_grid) + ", thread " + std::to_string(thread) +
                               ": " + what);
    }

  private:
    struct Start {
        EmulatedBlockRun* run;
        int thread;
    };

    template <class Visit>
    void for_each_thread(Visit&& visit) {
        for (int i = 0; i < m_kernel.threads; ++i) {
            visit(m_order == EmulatedOrder::Ascending ? i : m_kernel.threads - 1 - i);
        }
    }

    static void start_thread(void* argument) {
        const Start start = *static_cast<Start*>(argument);
        Block block(*start.run, start.thread);
        start.run->m_kernel.run_thread(start.run->m_kernel.body, block);
        start.run->m_threads[static_cast<size_t>(start.thread)].at = At::End;
    }

    void run_fibers() {
        std::vector<Start> starts(static_cast<size_t>(m_kernel.threads));
        for (int i = 0; i < m_kernel.threads; ++i) {
            const auto at = static_cast<size_t>(i);
            starts[at] = {this, i};
            m_threads[at].at = At::Ready;
            m_threads[at].exchanges = 0;
            m_threads[at].fiber.start(stacks().at(at), FiberStacks::kBytes, &start_thread,
                                      &starts[at]);
        }
        try {
            while (!is_all(0, m_kernel.threads, At::End)) {
                for_each_thread([&](int thread) {
                    Thread& next = m_threads[static_cast<size_t>(thread)];
                    if (next.at == At::Ready) next.fiber.resume();
                });
                release();
            }
        } catch (...) {
            stacks().forget_frames();
            throw;
        }
    }

    bool is_all(int begin, int count, At at) const {
        for (int i = begin; i < begin + count; ++i) {
            if (m_threads[static_cast<size_t>(i)].at != at) return false;
        }
        return true;
    }

    void make_ready(int begin, int count) {
        for (int i = begin; i < begin + count; ++i) {
            m_threads[static_cast<size_t>(i)].at = At::Ready;
        }
    }

    /// Lets go on whoever waited for threads that have all come.
    void release() {
        bool moved = is_all(0, m_kernel.threads, At::End);
        if (is_all(0, m_kernel.threads, At::Barrier)) {
            make_ready(0, m_kernel.threads);
            moved = true;
        }
        for (int warp = 0; warp < m_kernel.threads; warp += kWarp) {
            if (!is_all(warp, kWarp, At::WarpExchange)) continue;
            make_ready(warp, kWarp);
            moved = true;
        }
        if (!moved) report_standstill();
    }

    [[noreturn]] void report_standstill() const {
        int waiting = 0;
        while (m_threads[static_cast<size_t>(waiting)].at == At::End) ++waiting;
        const At at = m_threads[static_cast<size_t>(waiting)].at;
        const int first = at == At::WarpExchange ? waiting / kWarp * kWarp : 0;
        int other = first;
        while (m_threads[static_cast<size_t>(other)].at == at) ++other;
        fail(waiting, std::string("waits ") + name_of(at) + " while thread " +
                          std::to_string(other) + " is " +
                          name_of(m_threads[static_cast<size_t>(other)].at));
    }

    // The place of the thread in the same warp at `lane`.
    static size_t warp_mate(int thread, int lane) {
        return static_cast<size_t>(thread / kWarp) * kWarp + static_cast<size_t>(lane);
    }

    const EmulatedKernel& m_kernel;
    const int64_t m_grid;
    const EmulatedOrder m_order;
    int64_t m_index = 0;
    std::unique_ptr<std::byte[]> m_shared;
    std::unique_ptr<Thread[]> m_threads;
};

int64_t Block::index() const {
    return m_run->index();
}

int64_t Block::count() const {
    return m_run->grid();
}

void Block::barrier() const {
    m_run->wait(m_thread, At::Barrier);
}

uint64_t Block::exchange_word(uint64_t word, int lane) const {
    return m_run->exchange(m_thread, word, lane);
}

uint32_t Block::ballot(bool vote) const {
    return m_run->ballot(m_thread, vote);
}

void* Block::shared_bytes(std::size_t bytes) const {
    return m_run->shared(bytes);
}

void emulate(const EmulatedKernel& kernel, int64_t grid) {
    const EmulatorSettings& settings = emulator_settings();
    EmulatedBlockRun run(kernel, grid, settings.order);
    const bool is_all = settings.only_blocks.empty();
    const int64_t count = is_all ? grid : static_cast<int64_t>(settings.only_blocks.size());
    for (int64_t i = 0; i < count; ++i) {
        const int64_t turn = settings.order == EmulatedOrder::Ascending ? i : count - 1 - i;
        const int64_t index = is_all ? turn : settings.only_blocks[static_cast<size_t>(turn)];
        if (index < grid) run.run(index);
    }
}

void require_alignment(const void* address, std::size_t alignment) {
    if (reinterpret_cast<std::uintptr_t>(address) % alignment == 0) return;
    throw std::logic_error("a vector of " + std::to_string(alignment) +
                           " bytes lies at an address that is no multiple of it");
}

}  // namespace dayrun::kernels
