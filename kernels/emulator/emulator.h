// Runs a kernel's per-block body on the CPU, thread by thread, so that a machine without a GPU
// tests the indices and the arithmetic that a GPU runs.
//
// Every thread of a block is a fiber. A barrier, a shuffle or a vote is a switch point: the thread
// waits there until its block or warp has come. Between two switch points the threads run one after
// the other, so a race shows as a result that depends on the order: tests run every kernel in both
// orders and compare the bits. Shared memory is allocated exactly, filled with NaN patterns, and so
// watched by AddressSanitizer; a vector access that is not aligned throws.
//
// It is stricter than a device: a barrier wants every thread of the block and a shuffle or vote all
// 32 lanes of the warp, all of them at the same kind of switch point; else std::logic_error names
// the block and thread. A body without switch points says so (kSwitches = false) and runs in a
// plain loop, without fibers.
// Neighbours: block.h (what a body sees), launch.h. One thread of the process at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace dayrun::kernels {

/// In which order threads (and blocks) run where a device leaves it open.
enum class EmulatedOrder { Ascending, Descending };

struct EmulatorSettings {
    EmulatedOrder order = EmulatedOrder::Ascending;
    /// When not empty, only these blocks of a grid run: a test of a tensor too large to fill picks
    /// the last ones. Indices beyond the grid are left out.
    std::vector<int64_t> only_blocks;
};

/// The settings of the process, for tests to change.
EmulatorSettings& emulator_settings();

class EmulatedBlockRun;

/// One thread's view of its block: the emulator's side of block.h.
class Block {
  public:
    Block(EmulatedBlockRun& run, int thread) : m_run(&run), m_thread(thread) {}

    int thread() const { return m_thread; }
    int64_t index() const;
    int64_t count() const;

    void barrier() const;
    /// The value that lane (own lane ^ mask) passes at the same point.
    template <class T>
    T shuffle_xor(T value, int mask) const {
        return exchange(value, (m_thread % 32) ^ mask);
    }
    /// The value that `lane` passes.
    template <class T>
    T shuffle(T value, int lane) const {
        return exchange(value, lane % 32);
    }
    /// Bit l is the vote of lane l.
    uint32_t ballot(bool vote) const;

    template <class Shared>
    Shared& shared() const {
        return *static_cast<Shared*>(shared_bytes(sizeof(Shared)));
    }

  private:
    template <class T>
    T exchange(T value, int lane) const {
        static_assert(sizeof(T) <= sizeof(uint64_t), "a lane passes one word");
        uint64_t word = 0;
        std::memcpy(&word, &value, sizeof(T));
        word = exchange_word(word, lane);
        std::memcpy(&value, &word, sizeof(T));
        return value;
    }
    uint64_t exchange_word(uint64_t word, int lane) const;
    void* shared_bytes(std::size_t bytes) const;

    EmulatedBlockRun* m_run;
    int m_thread;
};

/// A body without its type: what a thread does.
struct EmulatedKernel {
    void (*run_thread)(const void* body, Block& block);
    const void* body;
    int threads;               // of a block, a multiple of 32
    std::size_t shared_bytes;  // of a block
    bool switches;             // the body has switch points
};

/// Runs the blocks [0, grid) of a kernel. Throws std::logic_error on a body's mistake.
void emulate(const EmulatedKernel& kernel, int64_t grid);

/// Throws std::logic_error when `address` is not a multiple of `alignment`.
void require_alignment(const void* address, std::size_t alignment);

}  // namespace dayrun::kernels
