// Times the device kernels on CUDA device 0 at the shapes of Llama-3.1-8B with 8,192 tokens: median
// time, GB/s of the bytes that the op must move, and their share of the card's memory bandwidth.
// The second-level cache is overwritten before every run. Prints a Markdown table; without a device
// SKIP with the reason.
//     bench_kernels_gpu [part of an op's name]
#include <algorithm>
#include <cstdio>
#include <functional>

#include "kernels/adamw/adamw.h"
#include "kernels/adamw8bit/adamw8bit.h"
#include "kernels/bias/bias.h"
#include "kernels/blockwise8/blockwise8.h"
#include "kernels/convert/convert.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/decode_attention/decode_attention.h"
#include "kernels/dora/dora.h"
#include "kernels/dropout/dropout.h"
#include "kernels/embedding/embedding.h"
#include "kernels/few_rows/few_rows.h"
#include "kernels/gather_rows/gather_rows.h"
#include "kernels/neftune/neftune.h"
#include "kernels/nf4/nf4.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/step_gate/step_gate.h"
#include "kernels/swiglu/swiglu.h"
#include "tests/kernels/device/cuda_memory.h"
#include "tests/kernels/device/plugin_ops.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

constexpr int64_t kTokens = 8192, kHidden = 4096, kIntermediate = 14336, kVocab = 128256;
constexpr int64_t kHeads = 32, kKeyHeads = 8, kHeadDim = 128;
constexpr int kRuns = 21;

/// The card, and the memory of the op being timed.
class Bench {
  public:
    Bench() {
        int clock_khz = 0, bus_bits = 0, cache_bytes = 0;
        cudaDeviceGetAttribute(&clock_khz, cudaDevAttrMemoryClockRate, 0);
        cudaDeviceGetAttribute(&bus_bits, cudaDevAttrGlobalMemoryBusWidth, 0);
        cudaDeviceGetAttribute(&cache_bytes, cudaDevAttrL2CacheSize, 0);
        // Two transfers per clock.
        m_peak_bytes_per_s = 2.0e3 * clock_khz * bus_bits / 8.0;
        m_flush_bytes = 2 * static_cast<std::size_t>(cache_bytes);
        m_flush = device_memory(m_flush_bytes);
        require(cudaEventCreate(&m_begin), "event");
        require(cudaEventCreate(&m_end), "event");
        cudaDeviceProp properties;
        require(cudaGetDeviceProperties(&properties, 0), "properties");
        std::printf("%s, memory %.0f GB/s by clock and bus width\n\n", properties.name,
                    m_peak_bytes_per_s / 1e9);
        std::printf("| op | shape | us | GB/s | share |\n| --- | --- | ---: | ---: | ---: |\n");
    }
    ~Bench() {
        cudaEventDestroy(m_begin);
        cudaEventDestroy(m_end);
    }

    const DeviceOps& ops() const { return m_ops; }

    /// Zeroed memory, until the op has been timed.
    void* memory(int64_t bytes) {
        std::shared_ptr<void> one = device_memory(static_cast<std::size_t>(bytes));
        if (one == nullptr) throw std::runtime_error("the device is out of memory");
        require(cudaMemset(one.get(), 0, static_cast<std::size_t>(bytes)), "cudaMemset");
        m_memory.push_back(one);
        return one.get();
    }
    template <class Value>
    Value* values(int64_t count) {
        return static_cast<Value*>(memory(count * static_cast<int64_t>(sizeof(Value))));
    }
    template <class Value>
    Value* copy_of(const std::vector<Value>& from) {
        auto* const to = values<Value>(static_cast<int64_t>(from.size()));
        require(cudaMemcpy(to, from.data(), from.size() * sizeof(Value), cudaMemcpyHostToDevice),
                "copy to the device");
        return to;
    }

    void time(const char* op, const char* shape, double bytes, const std::function<int()>& launch) {
        std::vector<float> times;
        for (int run = 0; run < kRuns; ++run) {
            require(cudaMemsetAsync(m_flush.get(), run, m_flush_bytes, nullptr), "flush");
            require(cudaEventRecord(m_begin, nullptr), "event");
            require(static_cast<cudaError_t>(launch()), op);
            require(cudaEventRecord(m_end, nullptr), "event");
            require(cudaEventSynchronize(m_end), op);
            float ms = 0.0f;
            require(cudaEventElapsedTime(&ms, m_begin, m_end), "event");
            times.push_back(ms);
        }
        std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
        const double seconds = 1e-3 * times[kRuns / 2];
        std::printf("| %s | %s | %.1f | %.0f | %.2f |\n", op, shape, 1e6 * seconds,
                    bytes / seconds / 1e9, bytes / seconds / m_peak_bytes_per_s);
        std::fflush(stdout);
        m_memory.clear();
    }

  private:
    DeviceOps m_ops = plugin_ops();
    double m_peak_bytes_per_s = 1.0;
    std::size_t m_flush_bytes = 0;
    std::shared_ptr<void> m_flush;
    cudaEvent_t m_begin = nullptr, m_end = nullptr;
    std::vector<std::shared_ptr<void>> m_memory;
};

void copy(Bench& b) {
    const int64_t bytes = int64_t{1} << 30;
    void* const from = b.memory(bytes);
    void* const to = b.memory(bytes);
    b.time("copy of 1 GiB", "cudaMemcpy", 2.0 * static_cast<double>(bytes), [=] {
        return static_cast<int>(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes),
                                                cudaMemcpyDeviceToDevice, nullptr));
    });
}

void rms_norm(Bench& b) {
    RmsNormForward f;
    f.dtype = f.weight_dtype = Dtype::BFloat16;
    f.tokens = kTokens;
    f.cols = kHidden;
    const int64_t bytes = 2 * kTokens * kHidden;
    f.x = b.memory(bytes);
    f.residual = b.memory(bytes);
    f.h = b.memory(bytes);
    f.y = b.memory(bytes);
    f.weight = b.memory(2 * kHidden);
    f.rstd = b.values<float>(kTokens);
    b.time("rms_norm forward, residual", "8192 x 4096", 4.0 * bytes,
           [&] { return b.ops().rms_norm_forward(f, nullptr); });
    f.x = b.memory(bytes);
    f.y = b.memory(bytes);
    f.weight = b.memory(2 * kHidden);
    f.residual = nullptr;
    f.h = nullptr;
    f.rstd = nullptr;
    f.tokens = kTokens * kHidden / kHeadDim / kHeads;
    f.heads = kHeads;
    f.cols = kHeadDim;
    b.time("rms_norm forward of heads", "8192 x 32 x 128", 2.0 * bytes,
           [&] { return b.ops().rms_norm_forward(f, nullptr); });
    RmsNormBackward g;
    g.dtype = g.weight_dtype = Dtype::BFloat16;
    g.tokens = kTokens;
    g.cols = kHidden;
    g.x = b.memory(bytes);
    g.dy = b.memory(bytes);
    g.dresidual = b.memory(bytes);
    g.dx = b.memory(bytes);
    g.weight = b.memory(2 * kHidden);
    g.rstd = b.values<float>(kTokens);
    b.time("rms_norm backward, residual", "8192 x 4096", 4.0 * bytes,
           [&] { return b.ops().rms_norm_backward(g, nullptr); });
}

void rope(Bench& b) {
    Rope p;
    p.dtype = Dtype::BFloat16;
    p.tokens = kTokens;
    p.q_heads = kHeads;
    p.k_heads = kKeyHeads;
    p.head_dim = kHeadDim;
    const int64_t bytes = 2 * kTokens * (kHeads + kKeyHeads) * kHeadDim;
    p.q = b.memory(2 * kTokens * kHeads * kHeadDim);
    p.k = b.memory(2 * kTokens * kKeyHeads * kHeadDim);
    p.cos = b.values<float>(kTokens * kHeadDim / 2);
    p.sin = b.values<float>(kTokens * kHeadDim / 2);
    std::vector<int32_t> positions;
    for (int32_t t = 0; t < kTokens; ++t) positions.push_back(t);
    p.position_ids = b.copy_of(positions);
    b.time("rope", "8192 x (32 + 8) x 128", 2.0 * bytes,
           [&] { return b.ops().rope_forward(p, nullptr); });
}

void swiglu(Bench& b) {
    const int64_t bytes = 2 * kTokens * kIntermediate;
    SwigluForward f;
    f.dtype = Dtype::BFloat16;
    f.rows = kTokens;
    f.cols = kIntermediate;
    f.gate = b.memory(bytes);
    f.up = b.memory(bytes);
    f.out = b.memory(bytes);
    b.time("swiglu forward", "8192 x 14336", 3.0 * bytes,
           [&] { return b.ops().swiglu_forward(f, nullptr); });
    SwigluBackward g;
    g.dtype = Dtype::BFloat16;
    g.rows = kTokens;
    g.cols = kIntermediate;
    g.gate = b.memory(bytes);
    g.up = b.memory(bytes);
    g.dout = b.memory(bytes);
    g.out = b.memory(bytes);
    b.time("swiglu backward, out again", "8192 x 14336", 6.0 * bytes,
           [&] { return b.ops().swiglu_backward(g, nullptr); });
}

void nf4(Bench& b) {
    const int64_t count = kHidden * kIntermediate, blocks = count / kNf4BlockSize;
    Nf4Dequantize p;
    p.dtype = Dtype::BFloat16;
    p.row_end = p.weight.rows = kIntermediate;
    p.weight.cols = kHidden;
    p.out = b.memory(2 * count);
    p.weight.codes = b.values<uint8_t>(count / 2);
    p.weight.absmax = b.values<float>(blocks);
    b.time("nf4 dequantize", "14336 x 4096", 2.5625 * static_cast<double>(count),
           [&] { return b.ops().nf4_dequantize(p, nullptr); });
    p.out = b.memory(2 * count);
    p.weight.codes = b.values<uint8_t>(count / 2);
    p.weight.absmax = nullptr;
    p.weight.absmax_codes = b.values<uint8_t>(blocks);
    p.weight.nested_absmax = b.values<float>(blocks / kNf4NestedBlockSize + 1);
    p.weight.nested_map = b.values<float>(256);
    b.time("nf4 dequantize, nested", "14336 x 4096", 2.5165 * static_cast<double>(count),
           [&] { return b.ops().nf4_dequantize(p, nullptr); });
}

void cross_entropy(Bench& b) {
    const int64_t rows = 2048, bytes = 2 * rows * kVocab;
    CrossEntropy p;
    p.dtype = Dtype::BFloat16;
    p.rows = rows;
    p.vocab = kVocab;
    p.logits = b.memory(bytes);
    p.loss = b.values<float>(rows);
    p.labels = b.values<int32_t>(rows);
    b.time("cross_entropy, gradient", "2048 x 128256", 2.0 * bytes,
           [&] { return b.ops().cross_entropy_forward_backward(p, nullptr); });
}

void rows_of_tokens(Bench& b) {
    const int64_t bytes = 2 * kTokens * kHidden;
    EmbeddingForward e;
    e.dtype = e.table_dtype = Dtype::BFloat16;
    e.tokens = kTokens;
    e.cols = kHidden;
    e.vocab = kVocab;
    e.table = b.memory(2 * kVocab * kHidden);
    e.out = b.memory(bytes);
    std::vector<int32_t> ids;
    for (int32_t t = 0; t < kTokens; ++t) ids.push_back(t * 31 % static_cast<int32_t>(kVocab));
    e.token_ids = b.copy_of(ids);
    b.time("embedding", "8192 x 4096", 2.0 * bytes,
           [&] { return b.ops().embedding_forward(e, nullptr); });
    Dropout d;
    d.dtype = Dtype::BFloat16;
    d.probability = 0.05f;
    d.rows = kTokens;
    d.cols = kHidden;
    d.x = b.memory(bytes);
    d.out = b.memory(bytes);
    b.time("dropout", "8192 x 4096", 2.0 * bytes,
           [&] { return b.ops().dropout_apply(d, nullptr); });
    Neftune n;
    n.dtype = Dtype::BFloat16;
    n.tokens = kTokens;
    n.cols = kHidden;
    n.x = b.memory(bytes);
    n.scale = b.values<float>(kTokens);
    b.time("neftune", "8192 x 4096", 2.0 * bytes, [&] { return b.ops().neftune_add(n, nullptr); });
}

void optimizers(Bench& b) {
    const int64_t tensors = 448, size = 375000, count = tensors * size;
    AdamwStep step;
    step.learning_rate = 1e-4;
    std::vector<AdamwTensor> list;
    std::vector<GradTensor> gradients;
    auto* const param = b.values<float>(count);
    auto* const m = b.values<float>(count);
    auto* const v = b.values<float>(count);
    auto* const grad = b.values<float>(count);
    for (int64_t at = 0; at < count; at += size) {
        list.push_back({param + at, m + at, v + at, nullptr, grad + at, size, 0.0f});
        gradients.push_back({grad + at, size});
    }
    b.time("adamw", "168 M in 448 tensors", 28.0 * count, [&] {
        return b.ops().adamw_step({.tensors = list.data(), .tensor_count = tensors, .step = step},
                                  nullptr);
    });
    auto* const again = b.values<float>(count);
    for (int64_t i = 0; i < tensors; ++i) gradients[static_cast<size_t>(i)].grad = again + i * size;
    CloseStep close;
    close.gate = b.values<StepGate>(1);
    close.tensors = gradients.data();
    close.tensor_count = tensors;
    close.max_norm = 1.0;
    b.time("gradient norm and clip", "168 M in 448 tensors", 4.0 * count,
           [&] { return b.ops().close_step(close, nullptr); });
    std::vector<Adamw8bitTensor> list8;
    auto* const param8 = b.values<float>(count);
    auto* const grad8 = b.values<float>(count);
    auto* const code1 = b.values<uint8_t>(count);
    auto* const code2 = b.values<uint8_t>(count);
    const int64_t blocks = (size + 255) / 256;
    auto* const absmax1 = b.values<float>(tensors * blocks);
    auto* const absmax2 = b.values<float>(tensors * blocks);
    for (int64_t i = 0; i < tensors; ++i) {
        const int64_t at = i * size;
        list8.push_back({param8 + at, code1 + at, code2 + at, absmax1 + i * blocks,
                         absmax2 + i * blocks, nullptr, grad8 + at, size, 0.0f});
    }
    b.time("adamw8bit", "168 M in 448 tensors", 16.0 * count, [&] {
        return b.ops().adamw8bit_step(
            {.tensors = list8.data(), .tensor_count = tensors, .step = step}, nullptr);
    });
}

void decode(Bench& b) {
    const int64_t texts = 16, keys = 4096, row = kKeyHeads * kHeadDim;
    std::vector<DecodeText> list;
    for (int64_t i = 0; i < texts; ++i) {
        list.push_back({b.memory(2 * kHeads * kHeadDim), b.memory(2 * kHeads * kHeadDim),
                        b.memory(2 * keys * row), b.memory(2 * keys * row), keys});
    }
    DecodeAttention p;
    p.dtype = Dtype::BFloat16;
    p.texts = list.data();
    p.text_count = texts;
    p.heads = kHeads;
    p.kv_heads = kKeyHeads;
    p.head_dim = kHeadDim;
    b.time("decode_attention", "16 texts of 4096 keys", 4.0 * texts * keys * row,
           [&] { return b.ops().decode_attention(p, nullptr); });
}

struct Entry {
    const char* name;
    void (*run)(Bench&);
};
const Entry kEntries[] = {{"copy", &copy},
                          {"rms_norm", &rms_norm},
                          {"rope", &rope},
                          {"swiglu", &swiglu},
                          {"nf4", &nf4},
                          {"cross_entropy", &cross_entropy},
                          {"rows", &rows_of_tokens},
                          {"optimizers", &optimizers},
                          {"decode_attention", &decode}};

}  // namespace

int main(int argc, char** argv) {
    const std::string reason = why_no_device();
    if (!reason.empty()) {
        std::printf("SKIP: no CUDA device: %s\n", reason.c_str());
        return kSkipped;
    }
    const std::string filter = argc > 1 ? argv[1] : "";
    int failed = 0;
    Bench bench;
    for (const Entry& entry : kEntries) {
        if (std::string(entry.name).find(filter) == std::string::npos) continue;
        try {
            entry.run(bench);
        } catch (const std::exception& error) {
            std::printf("FAIL  %s: %s\n", entry.name, error.what());
            ++failed;
        }
    }
    return failed == 0 ? 0 : 1;
}
