// NF4 weights on their way to a product: dequantized on a stream of their own into two places, the
// next one while the product with this one still runs. Which weight comes next is learned: a step
// asks for its weights in the same order as the step before. A wrong guess costs one
// dequantization. Neighbour: cuda_accelerator.h. Lives on the run thread.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <map>
#include <utility>

#include "core/engine/buffer.h"
#include "kernels/device/device_ops.h"
#include "kernels/nf4/nf4.h"

namespace dayrun::engine {

class WeightRing {
  public:
    WeightRing(Arena& arena, cudaStream_t work, kernels::Launcher<kernels::Nf4Dequantize> launcher);
    ~WeightRing();
    WeightRing(const WeightRing&) = delete;
    WeightRing& operator=(const WeightRing&) = delete;

    /// As Accelerator::dequantized().
    Matrix dequantized(const kernels::Nf4Weight& weight, Dtype dtype);
    /// The first error of a launch so far, or 0; taken away by asking.
    int take_error() { return std::exchange(m_error, 0); }

  private:
    struct Wanted {
        kernels::Nf4Weight weight;
        Dtype dtype = Dtype::Float32;
    };
    struct Slot {
        Buffer memory;
        Wanted content;  // no codes: nothing
        cudaEvent_t made = nullptr;
        cudaEvent_t used = nullptr;  // the products that read it are done
    };
    /// What tells one weight from another.
    using Name = const void*;

    static bool is_same(const Wanted& a, const Wanted& b);
    void make(Slot& slot, const Wanted& wanted);

    Arena& m_arena;
    cudaStream_t m_work;
    cudaStream_t m_stream = nullptr;
    kernels::Launcher<kernels::Nf4Dequantize> m_launcher;
    std::array<Slot, 2> m_slots;
    size_t m_at = 0;  // the slot in use
    /// What was asked for after a weight, given the one asked for before it: the forward and the
    /// backward pass go through a weight in different directions.
    std::map<std::pair<Name, Name>, Wanted> m_next;
    Name m_before = nullptr, m_last = nullptr;
    int m_error = 0;
};

}  // namespace dayrun::engine
