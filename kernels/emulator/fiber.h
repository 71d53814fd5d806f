// A call stack of its own that can stop in the middle and be continued: one per emulated thread.
// AddressSanitizer is told of every switch, so it works inside fibers as anywhere else.
// Neighbour: emulator.h, the only user. One thread of the process at a time.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace dayrun::kernels {

/// Not movable: its stack holds pointers into itself.
class Fiber {
  public:
    using Entry = void (*)(void* argument);

    Fiber() = default;
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// Makes the next resume() call entry(argument) on the stack [bottom, bottom + bytes), which
    /// must outlive the fiber. Whatever ran there before is forgotten.
    void start(std::byte* bottom, std::size_t bytes, Entry entry, void* argument);

    /// Runs until the fiber pauses or its entry returns. An exception that leaves the entry is
    /// thrown here. Only from outside of fibers.
    void resume();

    /// Goes back to the caller of resume(). Only from inside the running fiber.
    static void pause();

    bool is_done() const { return m_is_done; }

  private:
    static void enter();
    void switch_in();
    static void switch_out(Fiber& fiber);

    std::byte* m_bottom = nullptr;
    std::size_t m_bytes = 0;
    Entry m_entry = nullptr;
    void* m_argument = nullptr;
    bool m_is_done = true;
    std::exception_ptr m_error;
#if defined(__x86_64__)
    void* m_stack_pointer = nullptr;
    void* m_caller_stack_pointer = nullptr;
#else
    ucontext_t m_context;
    ucontext_t m_caller_context;
#endif
    // What AddressSanitizer keeps per stack.
    void* m_fake_stack = nullptr;
    const void* m_caller_bottom = nullptr;
    std::size_t m_caller_bytes = 0;
};

/// Memory for `count` stacks, kept from one block to the next.
class FiberStacks {
  public:
    static constexpr std::size_t kBytes = std::size_t{128} * 1024;

    ~FiberStacks();
    FiberStacks() = default;
    FiberStacks(const FiberStacks&) = delete;
    FiberStacks& operator=(const FiberStacks&) = delete;

    /// The bottom of stack i. Grows on demand, which throws std::bad_alloc when memory is short.
    std::byte* at(std::size_t i);
    /// After a fiber was given up half-way: its frames are no longer forbidden ground.
    void forget_frames();

  private:
    std::vector<std::byte*> m_stacks;
};

}  // namespace dayrun::kernels
