// Putting the parts together. Neighbour: cuda_accelerator.h.
#include "core/engine/cuda/cuda_accelerator.h"

#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstring>

#include "core/engine/cuda/cuda_status.h"

namespace dayrun::engine {
namespace {

// What the libraries may still take beside the arena when no limit is given.
constexpr int64_t kReserve = int64_t{512} << 20;

struct CardBytes {
    int64_t free = 0, used = 0;
};
CardBytes card_bytes() {
    size_t free = 0, total = 0;
    check_cuda(cudaMemGetInfo(&free, &total), "ask for the device's memory");
    return {static_cast<int64_t>(free), static_cast<int64_t>(total - free)};
}

/// What this process may still take: the limit less what its context holds.
int64_t free_within(const CardBytes& card, int64_t max_bytes) {
    return max_bytes > 0 ? std::min(card.free, max_bytes - card.used) : card.free - kReserve;
}

/// Calls libtorch; its exceptions become those that the program knows (guard.h).
template <class Body>
void in_torch(Body&& body) {
    try {
        const c10::InferenceMode inference;
        body();
    } catch (const c10::OutOfMemoryError&) {
        throw std::bad_alloc();
    } catch (const c10::Error& failure) {
        throw ComputationFailed{failure.what_without_backtrace()};
    }
}

}  // namespace

CudaAccelerator::CudaAccelerator(const CudaOptions& options, const kernels::DeviceOps& ops)
    : m_options(options) {
    check_cuda(cudaSetDevice(options.device), "choose the device");
    check_cuda(cudaFree(nullptr), "make the device's context");
    const auto index = static_cast<c10::DeviceIndex>(options.device);
    const c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool(true, index);
    m_stream = stream.stream();
    const CardBytes card = card_bytes();
    m_overhead_bytes = card.used;
    const int64_t limit = free_within(card, options.max_bytes);
    if (limit <= 0) throw std::bad_alloc();
    m_arena = std::make_unique<CudaArena>(options.device, limit, m_stream);
    m_torch = std::make_unique<TorchMemory>(*m_arena, m_stream);
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
    m_products = std::make_unique<CudaProducts>(*m_arena);
    m_attention = std::make_unique<CudaAttention>(options.device, options.deterministic);
    m_stages = std::make_unique<StageRing>(*m_arena, m_pinned, m_stream);
    m_weights = std::make_unique<WeightRing>(*m_arena, m_stream, ops.nf4_dequantize);
    m_queue.ops = ops;
    m_queue.stream = m_stream;
}

CudaAccelerator::~CudaAccelerator() {
    cudaStreamSynchronize(m_stream);
    for (auto* gates : {&m_sent, &m_spare}) {
        for (SentGate& gate : *gates) cudaEventDestroy(gate.arrived);
    }
    m_sent.clear();
    m_spare.clear();
    m_weights.reset();
    m_stages.reset();
    m_attention.reset();
    m_products.reset();
    m_torch.reset();
    const int64_t kept = m_arena->ledger().total_held();
    if (kept != 0 && m_options.warn != nullptr) {
        m_options.warn(("Memory of the device was not given back: " + std::to_string(kept) +
                        " bytes. This is a fault of Dayrun.")
                           .c_str());
    }
    m_arena.reset();
}

void CudaAccelerator::copy_rows(const Matrix& to, const Matrix& from) {
    const auto size = static_cast<size_t>(kernels::element_bytes(from.dtype));
    check_cuda(cudaMemcpy2DAsync(
                   to.data, static_cast<size_t>(to.stride) * size, from.data,
                   static_cast<size_t>(from.stride) * size, static_cast<size_t>(from.cols) * size,
                   static_cast<size_t>(from.rows), cudaMemcpyDeviceToDevice, m_stream),
               "copy rows");
}

void CudaAccelerator::copy_queued(void* to, const void* from, int64_t bytes) {
    check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDefault, m_stream),
               "move activations");
}

void CudaAccelerator::send_gate(const kernels::StepGate* gate) {
    if (m_spare.empty()) {
        SentGate made{Buffer(sizeof(kernels::StepGate), MemoryPart::Buffers, m_pinned), nullptr};
        check_cuda(cudaEventCreateWithFlags(&made.arrived, cudaEventDisableTiming),
                   "make an event");
        m_spare.push_back(std::move(made));
    }
    SentGate& sent = m_sent.emplace_back(std::move(m_spare.front()));
    m_spare.pop_front();
    check_cuda(
        cudaMemcpyAsync(sent.host.data(), gate, sizeof(*gate), cudaMemcpyDeviceToHost, m_stream),
        "fetch a step's figures");
    check_cuda(cudaEventRecord(sent.arrived, m_stream), "fetch a step's figures");
}

kernels::StepGate CudaAccelerator::take_gate() {
    SentGate& oldest = m_sent.front();
    check_cuda(cudaEventSynchronize(oldest.arrived), "wait for a step");
    kernels::StepGate gate;
    std::memcpy(&gate, oldest.host.data(), sizeof(gate));
    m_spare.push_back(std::move(oldest));
    m_sent.pop_front();
    return gate;
}

void CudaAccelerator::attention_forward(const Matrix& out, const Matrix& logsumexp,
                                        const AttentionInput& input, const AttentionShape& shape,
                                        const Documents& documents) {
    in_torch([&] {
        const auto index = static_cast<c10::DeviceIndex>(m_options.device);
        const c10::cuda::CUDAStreamGuard own(c10::cuda::getStreamFromExternal(m_stream, index));
        m_attention->forward(out, logsumexp, input, shape, documents);
    });
}

void CudaAccelerator::attention_backward(const AttentionInput& gradient, const Matrix& dout,
                                         const AttentionInput& input, const Matrix& out,
                                         const Matrix& logsumexp, const AttentionShape& shape,
                                         const Documents& documents) {
    in_torch([&] {
        const auto index = static_cast<c10::DeviceIndex>(m_options.device);
        const c10::cuda::CUDAStreamGuard own(c10::cuda::getStreamFromExternal(m_stream, index));
        m_attention->backward(gradient, dout, input, out, logsumexp, shape, documents);
    });
}

void CudaAccelerator::check() {
    const int of_weights = m_weights->take_error();
    const int code = m_queue.error != 0 ? m_queue.error : of_weights;
    m_queue.error = 0;
    if (code == kernels::DeviceQueue::kNoLauncher) {
        throw DeviceFailure{code, "run a kernel", "the plug-in has no kernel for it", false};
    }
    check_cuda(static_cast<cudaError_t>(code), "run a kernel");
    check_cuda(cudaPeekAtLastError(), "run a kernel");
}

void CudaAccelerator::synchronize() {
    check_cuda(cudaStreamSynchronize(m_stream), "wait for the device");
    check();
}

}  // namespace dayrun::engine
