// A device without a GPU: its arena is memory that the host may not touch, opened only while an
// operation of the queue runs. So a host access to device memory ends the test with a segmentation
// fault, and an operation that is given a host address fails. Products and attention are the CPU's.
// Neighbour: core/engine/device/accelerator.h. Test thread only.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <vector>

#include "core/engine/device/accelerator.h"
#include "core/engine/memory/block_list.h"
#include "tests/engine/emulated_pager.h"

namespace dayrun::tests {

/// One stretch of address space, closed to the host. Blocks lie 256 bytes apart at least.
class EmulatedArena : public engine::Arena {
  public:
    explicit EmulatedArena(int64_t bytes);
    ~EmulatedArena() override;

    void fill_zero(void* data, int64_t bytes) override;
    void copy_from_host(void* to, const void* from, int64_t bytes) override;
    void copy_to_host(void* to, const void* from, int64_t bytes) override;
    bool is_host() const override { return false; }
    std::string_view name() const override { return "emulated:0"; }

    /// Opens the memory to the host for a scope.
    class Open {
      public:
        explicit Open(EmulatedArena& arena);
        ~Open();

      private:
        EmulatedArena& m_arena;
    };
    /// Whether the address is null or inside a block that is given out.
    bool holds(const void* address) const;

  private:
    void* take(int64_t bytes) override;
    void give_back(void* data, int64_t bytes) noexcept override;

    std::byte* m_base = nullptr;
    int64_t m_size = 0;
    int m_open = 0;
    engine::BlockList m_offsets;
    std::map<std::byte*, int64_t> m_blocks;  // address -> bytes
};

class EmulatedDevice : public engine::Accelerator {
  public:
    /// What runs as the device's kernels: the CPU's fast versions, whose bits are known, or the
    /// bodies that a GPU runs, thread by thread (kernels/emulator).
    enum class Kernels { Cpu, Bodies };

    explicit EmulatedDevice(int64_t bytes = int64_t{64} << 20, Kernels kernels = Kernels::Cpu);

    EmulatedArena& arena() override { return m_arena; }
    int64_t overhead_bytes() const override { return 0; }
    void copy_rows(const engine::Matrix& to, const engine::Matrix& from) override;
    engine::Arena& pinned_arena() override { return engine::host_arena(); }
    void copy_queued(void* to, const void* from, int64_t bytes) override {
        m_arena.copy_from_host(to, from, bytes);
    }
    std::unique_ptr<engine::StatePager> make_pager() override {
        return std::make_unique<EmulatedPager>(m_arena);
    }
    const int32_t* stage(const int32_t* values, int64_t count) override;
    void next_stage() override;
    /// Gives all staged arrays back, as the end of a run does.
    void forget_stages() {
        m_stages.clear();
        m_stages.resize(engine::kStageSlots);
    }
    void send_gate(const kernels::StepGate* gate) override;
    kernels::StepGate take_gate() override;
    engine::Matrix dequantized(const kernels::Nf4Weight& weight, engine::Dtype dtype) override;
    void multiply(const engine::Product& product) override;
    /// With the CPU's kernels the CPU's sum too, with the bodies one product after the other.
    bool multiply_sum(const engine::Matrix& out, std::span<const engine::SumTerm> terms,
                      const engine::Matrix& bias) override;
    void attention_forward(const engine::Matrix& out, const engine::Matrix& logsumexp,
                           const engine::AttentionInput& input, const engine::AttentionShape& shape,
                           const engine::Documents& documents) override;
    void attention_backward(const engine::AttentionInput& gradient, const engine::Matrix& dout,
                            const engine::AttentionInput& input, const engine::Matrix& out,
                            const engine::Matrix& logsumexp, const engine::AttentionShape& shape,
                            const engine::Documents& documents) override;
    kernels::DeviceQueue& queue() override { return m_queue; }
    void check() override;
    void synchronize() override { check(); }

    /// The launchers of the bodies; empty where the CPU's version runs.
    const kernels::DeviceOps& bodies() const { return m_bodies; }
    /// Operations that were given an address outside the device's memory.
    int64_t strays() const { return m_strays; }
    int64_t launches() const { return m_launches; }

    /// Runs `work` as an operation of the queue: memory open, thread on the CPU, addresses checked.
    template <class Work>
    void run(std::initializer_list<const void*> addresses, Work&& work) {
        ++m_launches;
        count_strays(addresses);
        const engine::UseAccelerator cpu(nullptr);
        const EmulatedArena::Open open(m_arena);
        work();
    }

  private:
    void count_strays(std::initializer_list<const void*> addresses) {
        for (const void* address : addresses) m_strays += m_arena.holds(address) ? 0 : 1;
    }

    EmulatedArena m_arena;
    Kernels m_kernels;
    kernels::DeviceOps m_bodies;
    kernels::DeviceQueue m_queue;
    std::deque<kernels::StepGate> m_gates;
    std::vector<std::vector<engine::Buffer>> m_stages;
    std::array<engine::Buffer, 2> m_weights;  // dequantized, used in turn
    int64_t m_strays = 0;
    int64_t m_launches = 0;
};

}  // namespace dayrun::tests
