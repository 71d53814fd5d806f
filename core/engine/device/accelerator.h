// A device other than the CPU, as the engine sees it. The decoder, the linear modules, the loss and
// the optimizer are written once; they reach a device through three doors only, and each of them
// asks for the calling thread's accelerator:
//   memory     Buffer and RowBuffer come from its arena (memory/arena.h); HostMirror
//              (host_mirror.h) is the only way in which the host reads or writes what they hold
//   products   linear/gemm.h, and attention.h
//   the rest   kernels::<op>(params): kernels/device/device_ops.h holds the queue
// No accelerator means the CPU. Everything is put into one queue in order and nothing waits, except
// copy_to_host() and synchronize(). Implemented by cuda/cuda_accelerator.h in the plug-in, and by
// an emulated one in tests/engine, on which host memory and device memory are kept apart. Lives on
// the run thread; torch-free.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/engine/attention.h"
#include "core/engine/buffer.h"
#include "core/engine/linear/product.h"
#include "core/engine/optimizer/state_pager.h"
#include "kernels/device/device_ops.h"
#include "kernels/nf4/nf4.h"
#include "kernels/step_gate/step_gate.h"

namespace dayrun::engine {

/// The device answered with an error that nothing repairs: guard.h turns it into an Error.
struct DeviceFailure {
    int code = 0;          // the device's own number
    std::string action;    // "multiply"
    std::string sentence;  // what the driver says of the code
    bool is_lost = false;  // the device is gone; the process cannot use it again
};

/// A library refused a computation: guard.h turns it into an Error.
struct ComputationFailed {
    std::string reason;  // in the library's words
};

class Accelerator {
  public:
    virtual ~Accelerator() = default;

    // ---- memory ----
    /// Blocks on the device. Releasing one is in order with the queue: what is queued before may
    /// still use it. Its copies from the host return at once, those to the host wait.
    virtual Arena& arena() = 0;
    /// What the device held before the arena was made: the context, the libraries, other programs.
    virtual int64_t overhead_bytes() const = 0;
    virtual void copy_rows(const Matrix& to, const Matrix& from) = 0;
    /// Page-locked memory of the host, and copies between it and the arena's blocks that wait for
    /// nobody: they are done in the queue's order.
    virtual Arena& pinned_arena() = 0;
    virtual void copy_queued(void* to, const void* from, int64_t bytes) = 0;
    /// Keeps an optimizer's states in the host's memory and brings them piece by piece. Goes before
    /// the accelerator does.
    virtual std::unique_ptr<StatePager> make_pager() = 0;

    // ---- a micro-batch's small arrays ----
    /// Copies an array that kernels read into memory of the device, on a queue of its own ahead of
    /// their use. It stays valid until this function was called kStageSlots micro-batches later.
    virtual const int32_t* stage(const int32_t* values, int64_t count) = 0;
    /// The arrays staged from here on belong to the next micro-batch.
    virtual void next_stage() = 0;

    // ---- what a step leaves behind: read late, so that nobody waits ----
    /// Puts a copy of the gate into the queue; take_gate() gives the oldest one that was put there,
    /// waiting only if the device has not come so far.
    virtual void send_gate(const kernels::StepGate* gate) = 0;
    virtual kernels::StepGate take_gate() = 0;

    // ---- products and attention ----
    /// An NF4 weight as products read it. It stays as it is until this function was called twice
    /// more; a device makes the weight that was asked for next in the step before ahead of time.
    virtual Matrix dequantized(const kernels::Nf4Weight& weight, Dtype dtype) = 0;
    virtual void multiply(const Product& product) = 0;
    /// A whole multiply_sum() of gemm.h; false where the device leaves it to multiply().
    virtual bool multiply_sum(const Matrix& /*out*/, std::span<const SumTerm> /*terms*/,
                              const Matrix& /*bias*/) {
        return false;
    }
    virtual void attention_forward(const Matrix& out, const Matrix& logsumexp,
                                   const AttentionInput& input, const AttentionShape& shape,
                                   const Documents& documents) = 0;
    virtual void attention_backward(const AttentionInput& gradient, const Matrix& dout,
                                    const AttentionInput& input, const Matrix& out,
                                    const Matrix& logsumexp, const AttentionShape& shape,
                                    const Documents& documents) = 0;

    // ---- the queue ----
    /// What kernels::<op>() launches into while this accelerator is the thread's.
    virtual kernels::DeviceQueue& queue() = 0;
    /// Throws the first DeviceFailure of the queue so far, without waiting for it.
    virtual void check() = 0;
    /// Waits until everything in the queue is done, then as check().
    virtual void synchronize() = 0;
};

inline constexpr int kStageSlots = 4;

/// The calling thread's accelerator; null is the CPU.
Accelerator* accelerator();

/// Makes an accelerator the calling thread's for a scope; null chooses the CPU.
class UseAccelerator {
  public:
    explicit UseAccelerator(Accelerator* device);
    ~UseAccelerator();
    UseAccelerator(const UseAccelerator&) = delete;
    UseAccelerator& operator=(const UseAccelerator&) = delete;

  private:
    Accelerator* m_before;
    ArenaScope m_arena;
};

}  // namespace dayrun::engine
