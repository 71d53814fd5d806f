// Body of fiber.h. On x86-64 a switch is a dozen instructions; elsewhere it is ucontext, whose
// system call per switch is some hundred times slower.
#include "kernels/emulator/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
// Pushes the registers that a callee must keep, stores the stack pointer to *from (rdi), goes to
// the stack `to` (rsi) and pops there what was pushed when it was left.
extern "C" void dayrun_switch_stack(void** from, void* to);
asm(R"(
.text
.globl dayrun_switch_stack
.hidden dayrun_switch_stack
.type dayrun_switch_stack, @function
dayrun_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size dayrun_switch_stack, .-dayrun_switch_stack
)");
#endif

namespace dayrun::kernels {
namespace {

Fiber* s_running = nullptr;

void announce_switch(void** leaving, const void* bottom, std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(leaving, bottom, bytes);
#else
    (void)leaving, (void)bottom, (void)bytes;
#endif
}

void confirm_switch(void* entering, const void** left_bottom, std::size_t* left_bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(entering, left_bottom, left_bytes);
#else
    (void)entering, (void)left_bottom, (void)left_bytes;
#endif
}

}  // namespace

void Fiber::start(std::byte* bottom, std::size_t bytes, Entry entry, void* argument) {
    m_bottom = bottom;
    m_bytes = bytes;
    m_entry = entry;
    m_argument = argument;
    m_is_done = false;
    m_error = nullptr;
    m_fake_stack = nullptr;
#if defined(__x86_64__)
    // As if dayrun_switch_stack had been called by enter()'s caller: six registers, then where to
    // return to, then the (missing) return address of enter() itself.
    auto* const words = reinterpret_cast<std::uintptr_t*>(bottom + bytes) - 8;
    for (int i = 0; i < 8; ++i) words[i] = 0;
    words[6] = reinterpret_cast<std::uintptr_t>(&Fiber::enter);
    m_stack_pointer = words;
#else
    getcontext(&m_context);
    m_context.uc_stack.ss_sp = bottom;
    m_context.uc_stack.ss_size = bytes;
    m_context.uc_link = nullptr;
    makecontext(&m_context, &Fiber::enter, 0);
#endif
}

void Fiber::switch_in() {
#if defined(__x86_64__)
    dayrun_switch_stack(&m_caller_stack_pointer, m_stack_pointer);
#else
    swapcontext(&m_caller_context, &m_context);
#endif
}

void Fiber::switch_out(Fiber& fiber) {
#if defined(__x86_64__)
    dayrun_switch_stack(&fiber.m_stack_pointer, fiber.m_caller_stack_pointer);
#else
    swapcontext(&fiber.m_context, &fiber.m_caller_context);
#endif
}

void Fiber::resume() {
    s_running = this;
    void* own_fake_stack = nullptr;
    announce_switch(&own_fake_stack, m_bottom, m_bytes);
    switch_in();
    confirm_switch(own_fake_stack, nullptr, nullptr);
    s_running = nullptr;
    if (m_error) std::rethrow_exception(std::exchange(m_error, nullptr));
}

void Fiber::pause() {
    Fiber& fiber = *s_running;
    announce_switch(&fiber.m_fake_stack, fiber.m_caller_bottom, fiber.m_caller_bytes);
    switch_out(fiber);
    confirm_switch(fiber.m_fake_stack, &fiber.m_caller_bottom, &fiber.m_caller_bytes);
}

void Fiber::enter() {
    Fiber& fiber = *s_running;
    confirm_switch(nullptr, &fiber.m_caller_bottom, &fiber.m_caller_bytes);
    try {
        fiber.m_entry(fiber.m_argument);
    } catch (...) {
        fiber.m_error = std::current_exception();
    }
    fiber.m_is_done = true;
    // Null: this stack is left for good.
    announce_switch(nullptr, fiber.m_caller_bottom, fiber.m_caller_bytes);
    switch_out(fiber);
}

FiberStacks::~FiberStacks() {
    for (std::byte* stack : m_stacks) munmap(stack, kBytes);
}

std::byte* FiberStacks::at(std::size_t i) {
    while (m_stacks.size() <= i) {
        void* const stack = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stack == MAP_FAILED) throw std::bad_alloc();
        m_stacks.push_back(static_cast<std::byte*>(stack));
    }
    return m_stacks[i];
}

void FiberStacks::forget_frames() {
#if defined(__SANITIZE_ADDRESS__)
    for (std::byte* stack : m_stacks) __asan_unpoison_memory_region(stack, kBytes);
#endif
}

}  // namespace dayrun::kernels
