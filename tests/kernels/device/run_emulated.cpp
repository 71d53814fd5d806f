// Runs the cases in the emulator, threads and blocks ascending first, then descending. Built with
// the address and undefined-behaviour sanitizers (CMakeLists.txt beside it).
//     test_kernels_emulated [part of a case's name | -part to leave out]
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "kernels/emulator/emulated_ops.h"
#include "kernels/emulator/emulator.h"
#include "tests/kernels/device/cases.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

class EmulatedMachine : public Machine {
  public:
    const DeviceOps& ops() const override { return m_ops; }

    std::shared_ptr<void> allocate(std::size_t bytes) override {
        constexpr std::size_t kAlignment = 256;
        void* memory = nullptr;
        if (posix_memalign(&memory, kAlignment, bytes > 0 ? bytes : 1) != 0) return nullptr;
        // What nobody writes must not look like a result.
        std::memset(memory, 0xFF, bytes);
        return std::shared_ptr<void>(memory, &std::free);
    }

    std::shared_ptr<void> reserve(std::size_t bytes) override {
        void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return nullptr;
        return std::shared_ptr<void>(memory, [bytes](void* that) { munmap(that, bytes); });
    }

    void copy_in(void* to, const void* from, std::size_t bytes) override {
        if (bytes > 0) std::memcpy(to, from, bytes);
    }
    void copy_out(void* to, const void* from, std::size_t bytes) override {
        if (bytes > 0) std::memcpy(to, from, bytes);
    }
    void run_only(const std::vector<int64_t>& blocks) override {
        emulator_settings().only_blocks = blocks;
    }

  private:
    const DeviceOps m_ops = emulated_device_ops();
};

void set_order(int run) {
    emulator_settings().order = run == 0 ? EmulatedOrder::Ascending : EmulatedOrder::Descending;
}

}  // namespace

int main(int argc, char** argv) {
    EmulatedMachine machine;
    std::vector<NamedCase> cases = emulator_cases();
    for (const NamedCase& kernel : all_cases()) cases.push_back(kernel);
    return run_cases(machine, cases, argc > 1 ? argv[1] : "", &set_order) == 0 ? 0 : 1;
}
