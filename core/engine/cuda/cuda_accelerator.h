// One CUDA device as the engine's accelerator: its context, one stream for all work, one arena, the
// products, the attention and the kernels' queue. Made, used and destroyed on the run thread; the
// context and the libraries' handles stay until the process ends.
// Neighbours: accelerator.h says what each method promises; cuda_plugin.h hands it out.
// CUDA graphs are not used: a step of the models this is for launches for seconds of work, and the
// host is ahead by whole micro-batches. A place for them would be around Decoder's layer.
#pragma once

#include <array>
#include <deque>
#include <memory>

#include "core/engine/cuda/cuda_arena.h"
#include "core/engine/cuda/cuda_attention.h"
#include "core/engine/cuda/cuda_pager.h"
#include "core/engine/cuda/cuda_products.h"
#include "core/engine/cuda/stage_ring.h"
#include "core/engine/cuda/torch_memory.h"
#include "core/engine/cuda/weight_ring.h"
#include "core/engine/device/cuda_plugin.h"

namespace dayrun::engine {

class CudaAccelerator : public Accelerator {
  public:
    CudaAccelerator(const CudaOptions& options, const kernels::DeviceOps& ops);
    ~CudaAccelerator() override;

    CudaArena& arena() override { return *m_arena; }
    int64_t overhead_bytes() const override { return m_overhead_bytes; }
    void copy_rows(const Matrix& to, const Matrix& from) override;
    PinnedArena& pinned_arena() override { return m_pinned; }
    void copy_queued(void* to, const void* from, int64_t bytes) override;
    std::unique_ptr<StatePager> make_pager() override {
        return std::make_unique<CudaPager>(*m_arena, m_pinned, m_stream);
    }
    const int32_t* stage(const int32_t* values, int64_t count) override {
        return m_stages->stage(values, count);
    }
    void next_stage() override { m_stages->next(); }
    void send_gate(const kernels::StepGate* gate) override;
    kernels::StepGate take_gate() override;
    Matrix dequantized(const kernels::Nf4Weight& weight, Dtype dtype) override {
        return m_weights->dequantized(weight, dtype);
    }
    void multiply(const Product& product) override { m_products->multiply(product, m_stream); }
    void attention_forward(const Matrix& out, const Matrix& logsumexp, const AttentionInput& input,
                           const AttentionShape& shape, const Documents& documents) override;
    void attention_backward(const AttentionInput& gradient, const Matrix& dout,
                            const AttentionInput& input, const Matrix& out, const Matrix& logsumexp,
                            const AttentionShape& shape, const Documents& documents) override;
    kernels::DeviceQueue& queue() override { return m_queue; }
    void check() override;
    void synchronize() override;

  private:
    /// A gate on its way to the host.
    struct SentGate {
        Buffer host;
        cudaEvent_t arrived = nullptr;
    };

    CudaOptions m_options;
    int64_t m_overhead_bytes = 0;
    cudaStream_t m_stream = nullptr;
    PinnedArena m_pinned;
    std::unique_ptr<CudaArena> m_arena;
    std::unique_ptr<TorchMemory> m_torch;
    std::unique_ptr<CudaProducts> m_products;
    std::unique_ptr<CudaAttention> m_attention;
    std::unique_ptr<StageRing> m_stages;
    std::unique_ptr<WeightRing> m_weights;
    std::deque<SentGate> m_sent, m_spare;
    kernels::DeviceQueue m_queue;
};

}  // namespace dayrun::engine
