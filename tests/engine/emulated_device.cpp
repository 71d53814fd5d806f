// The emulated device. Neighbour: emulated_device.h.
#include "tests/engine/emulated_device.h"

#include <sys/mman.h>

#include <cstring>

#include "core/engine/linear/gemm.h"
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
#include "kernels/emulator/emulated_ops.h"
#include "kernels/few_rows/few_rows.h"
#include "kernels/gather_rows/gather_rows.h"
#include "kernels/neftune/neftune.h"
#include "kernels/nf4/nf4.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/step_gate/step_gate.h"
#include "kernels/swiglu/swiglu.h"

namespace dayrun::tests {

using namespace dayrun::engine;
using namespace dayrun::kernels;

namespace {

// Blocks of a device lie further apart than those of the host, so that a read past the end of one
// is seen as a stray address.
constexpr int64_t kBlockStep = 256;

/// The device of the launch at hand: queues are filled by the run thread alone.
EmulatedDevice& device() {
    return *static_cast<EmulatedDevice*>(accelerator());
}

/// Runs the kernel's body in the emulator where the device has it, else the CPU's own version.
template <auto kOperation, auto kLauncher, class Params>
int run(const Params& params, std::initializer_list<const void*> addresses) {
    const auto body = device().bodies().*kLauncher;
    int code = 0;
    device().run(addresses, [&] {
        if (body != nullptr) {
            code = body(params, nullptr);
        } else {
            kOperation(params);
        }
    });
    return code;
}

// Tensor lists lie on the host and hold device addresses.
int run_adamw(const AdamwUpdate& update, CUstream_st*) {
    device().run({update.step.grad_scale, update.step.skip}, [&] {});
    for (int64_t i = 0; i < update.tensor_count; ++i) {
        const AdamwTensor& t = update.tensors[i];
        device().run({t.param, t.m, t.v, t.param_copy, t.grad}, [] {});
    }
    const auto body = device().bodies().adamw_step;
    int code = 0;
    device().run({}, [&] {
        if (body != nullptr) {
            code = body(update, nullptr);
        } else {
            adamw_step(update);
        }
    });
    return code;
}

int run_adamw8bit(const Adamw8bitUpdate& update, CUstream_st*) {
    device().run({update.step.grad_scale, update.step.skip}, [&] {});
    for (int64_t i = 0; i < update.tensor_count; ++i) {
        const Adamw8bitTensor& t = update.tensors[i];
        device().run({t.param, t.state1, t.state2, t.absmax1, t.absmax2, t.param_copy, t.grad},
                     [] {});
    }
    const auto body = device().bodies().adamw8bit_step;
    int code = 0;
    device().run({}, [&] {
        if (body != nullptr) {
            code = body(update, nullptr);
        } else {
            adamw8bit_step(update);
        }
    });
    return code;
}

DeviceOps make_ops() {
    DeviceOps ops;
    ops.embedding_forward = [](const EmbeddingForward& p, CUstream_st*) {
        return run<embedding_forward, &DeviceOps::embedding_forward>(p,
                                                                     {p.out, p.table, p.token_ids});
    };
    ops.embedding_backward = [](const EmbeddingBackward& p, CUstream_st*) {
        return run<embedding_backward, &DeviceOps::embedding_backward>(
            p, {p.dtable, p.dout, p.token_ids});
    };
    ops.gather_rows = [](const GatherRows& p, CUstream_st*) {
        return run<gather_rows, &DeviceOps::gather_rows>(p, {p.out, p.from, p.source});
    };
    ops.rms_norm_forward = [](const RmsNormForward& p, CUstream_st*) {
        return run<rms_norm_forward, &DeviceOps::rms_norm_forward>(
            p, {p.y, p.h, p.rstd, p.x, p.residual, p.weight});
    };
    ops.rms_norm_backward = [](const RmsNormBackward& p, CUstream_st*) {
        return run<rms_norm_backward, &DeviceOps::rms_norm_backward>(
            p, {p.dx, p.dweight, p.dy, p.x, p.rstd, p.weight, p.dresidual});
    };
    ops.rope_forward = [](const Rope& p, CUstream_st*) {
        return run<rope_forward, &DeviceOps::rope_forward>(
            p, {p.q, p.k, p.cos, p.sin, p.position_ids});
    };
    ops.rope_backward = [](const Rope& p, CUstream_st*) {
        return run<rope_backward, &DeviceOps::rope_backward>(
            p, {p.q, p.k, p.cos, p.sin, p.position_ids});
    };
    ops.swiglu_forward = [](const SwigluForward& p, CUstream_st*) {
        return run<swiglu_forward, &DeviceOps::swiglu_forward>(p, {p.out, p.gate, p.up});
    };
    ops.swiglu_backward = [](const SwigluBackward& p, CUstream_st*) {
        return run<swiglu_backward, &DeviceOps::swiglu_backward>(p, {p.gate, p.up, p.out, p.dout});
    };
    ops.bias_fill = [](const BiasFill& p, CUstream_st*) {
        return run<bias_fill, &DeviceOps::bias_fill>(p, {p.y, p.bias});
    };
    ops.bias_backward = [](const BiasBackward& p, CUstream_st*) {
        return run<bias_backward, &DeviceOps::bias_backward>(p, {p.dbias, p.dy});
    };
    ops.cross_entropy_forward = [](const CrossEntropy& p, CUstream_st*) {
        return run<cross_entropy_forward, &DeviceOps::cross_entropy_forward>(
            p, {p.loss, p.logsumexp, p.logits, p.labels, p.row_scale});
    };
    ops.cross_entropy_forward_backward = [](const CrossEntropy& p, CUstream_st*) {
        return run<cross_entropy_forward_backward, &DeviceOps::cross_entropy_forward_backward>(
            p, {p.loss, p.logsumexp, p.logits, p.labels, p.row_scale});
    };
    ops.dropout_apply = [](const Dropout& p, CUstream_st*) {
        return run<dropout_apply, &DeviceOps::dropout_apply>(p, {p.out, p.x});
    };
    ops.neftune_add = [](const Neftune& p, CUstream_st*) {
        return run<neftune_add, &DeviceOps::neftune_add>(p, {p.x, p.scale});
    };
    ops.nf4_dequantize = [](const Nf4Dequantize& p, CUstream_st*) {
        const Nf4Weight& w = p.weight;
        return run<nf4_dequantize, &DeviceOps::nf4_dequantize>(
            p, {p.out, w.codes, w.absmax, w.absmax_codes, w.nested_absmax, w.nested_map});
    };
    ops.convert_rows = [](const ConvertRows& p, CUstream_st*) {
        return run<convert_rows, &DeviceOps::convert_rows>(p, {p.out, p.x});
    };
    ops.few_rows_product = [](const FewRowsProduct& p, CUstream_st*) {
        return run<few_rows_product, &DeviceOps::few_rows_product>(p, {p.out, p.x, p.w});
    };
    ops.dora_norms = [](const DoraNorms& p, CUstream_st*) {
        return run<dora_norms, &DeviceOps::dora_norms>(p, {p.norm, p.scale, p.weight, p.magnitude});
    };
    ops.dora_forward = [](const DoraForward& p, CUstream_st*) {
        return run<dora_forward, &DeviceOps::dora_forward>(
            p, {p.out, p.base, p.lora, p.scale, p.bias});
    };
    ops.dora_scale = [](const DoraScale& p, CUstream_st*) {
        return run<dora_scale, &DeviceOps::dora_scale>(p, {p.out, p.dy, p.scale});
    };
    ops.dora_magnitude = [](const DoraMagnitude& p, CUstream_st*) {
        return run<dora_magnitude, &DeviceOps::dora_magnitude>(
            p, {p.dmagnitude, p.dy, p.base, p.lora, p.norm});
    };
    ops.decode_attention = [](const DecodeAttention& p, CUstream_st*) {
        for (int64_t i = 0; i < p.text_count; ++i) {
            const DecodeText& t = p.texts[i];
            device().run({t.out, t.q, t.k, t.v}, [] {});
        }
        return run<decode_attention, &DeviceOps::decode_attention>(p, {});
    };
    ops.add_losses = [](const AddLosses& p, CUstream_st*) {
        return run<add_losses, &DeviceOps::add_losses>(p, {p.gate, p.losses});
    };
    ops.close_step = [](const CloseStep& p, CUstream_st*) {
        for (int64_t i = 0; i < p.tensor_count; ++i) device().run({p.tensors[i].grad}, [] {});
        return run<close_step, &DeviceOps::close_step>(p, {p.gate});
    };
    ops.adamw_step = run_adamw;
    ops.adamw8bit_step = run_adamw8bit;
    return ops;
}

}  // namespace

EmulatedArena::EmulatedArena(int64_t bytes) : m_size(bytes), m_offsets(kBlockStep, bytes) {
    void* const base = mmap(nullptr, static_cast<size_t>(bytes), PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    m_base = static_cast<std::byte*>(base);
}

EmulatedArena::~EmulatedArena() {
    munmap(m_base, static_cast<size_t>(m_size));
}

EmulatedArena::Open::Open(EmulatedArena& arena) : m_arena(arena) {
    if (arena.m_open++ == 0) {
        mprotect(arena.m_base, static_cast<size_t>(arena.m_size), PROT_READ | PROT_WRITE);
    }
}

EmulatedArena::Open::~Open() {
    if (--m_arena.m_open == 0) {
        mprotect(m_arena.m_base, static_cast<size_t>(m_arena.m_size), PROT_NONE);
    }
}

// A new block is filled with NaNs, as memory that nobody wrote.
void* EmulatedArena::take(int64_t bytes) {
    // One step more than asked for: the end of a block is never the beginning of another.
    const auto offset = m_offsets.take(bytes + kBlockStep);
    if (!offset) throw std::bad_alloc();
    std::byte* const at = m_base + *offset;
    m_blocks[at] = bytes;
    const Open open(*this);
    std::memset(at, 0xff, static_cast<size_t>(bytes));
    return at;
}

void EmulatedArena::give_back(void* data, int64_t) noexcept {
    m_blocks.erase(static_cast<std::byte*>(data));
    m_offsets.give_back(static_cast<std::byte*>(data) - m_base);
}

bool EmulatedArena::holds(const void* address) const {
    if (address == nullptr) return true;
    const auto* const at = static_cast<const std::byte*>(address);
    auto next = m_blocks.upper_bound(const_cast<std::byte*>(at));
    if (next == m_blocks.begin()) return false;
    --next;
    return at < next->first + next->second;
}

void EmulatedArena::fill_zero(void* data, int64_t bytes) {
    const Open open(*this);
    std::memset(data, 0, static_cast<size_t>(bytes));
}

void EmulatedArena::copy_from_host(void* to, const void* from, int64_t bytes) {
    const Open open(*this);
    std::memcpy(to, from, static_cast<size_t>(bytes));
}

void EmulatedArena::copy_to_host(void* to, const void* from, int64_t bytes) {
    copy_from_host(to, from, bytes);
}

EmulatedDevice::EmulatedDevice(int64_t bytes, Kernels kernels)
    : m_arena(bytes),
      m_kernels(kernels),
      m_bodies(kernels == Kernels::Bodies ? emulated_device_ops() : DeviceOps{}),
      m_stages(kStageSlots) {
    m_queue.ops = make_ops();
}

void EmulatedDevice::copy_rows(const Matrix& to, const Matrix& from) {
    run({to.data, from.data}, [&] {
        const auto bytes = static_cast<size_t>(from.cols * element_bytes(from.dtype));
        for (int64_t row = 0; row < from.rows; ++row) {
            std::memcpy(to.row_range(row, 1).data, from.row_range(row, 1).data, bytes);
        }
    });
}

const int32_t* EmulatedDevice::stage(const int32_t* values, int64_t count) {
    Buffer& block = m_stages.back().emplace_back(count * 4, MemoryPart::Buffers, m_arena);
    m_arena.copy_from_host(block.data(), values, count * 4);
    return static_cast<const int32_t*>(block.data());
}

// The oldest slot's blocks go: whoever still reads them reads closed or foreign memory.
void EmulatedDevice::next_stage() {
    m_stages.erase(m_stages.begin());
    m_stages.emplace_back();
}

void EmulatedDevice::send_gate(const StepGate* gate) {
    StepGate& kept = m_gates.emplace_back();
    m_arena.copy_to_host(&kept, gate, sizeof(kept));
}

StepGate EmulatedDevice::take_gate() {
    const StepGate oldest = m_gates.front();
    m_gates.pop_front();
    return oldest;
}

// A place that is taken anew holds NaNs, so who reads the last but one weight finds out.
Matrix EmulatedDevice::dequantized(const Nf4Weight& weight, Dtype dtype) {
    std::swap(m_weights[0], m_weights[1]);
    m_weights[0] = engine::Buffer();
    m_weights[0] = engine::Buffer(weight.rows * weight.cols * element_bytes(dtype),
                                  engine::MemoryPart::Buffers, m_arena);
    nf4_dequantize({.out = m_weights[0].data(),
                    .weight = weight,
                    .dtype = dtype,
                    .row_begin = 0,
                    .row_end = weight.rows});
    return engine::dense(m_weights[0].data(), weight.rows, weight.cols, dtype);
}

void EmulatedDevice::multiply(const Product& p) {
    run({p.out.data, p.a.data, p.b.data}, [&] {
        if (p.transpose_a == Transpose::Yes) {
            add_multiply_tn(p.out.floats(), p.a, p.b, p.alpha);
        } else if (p.transpose_b == Transpose::Yes) {
            multiply_nt(p.out, p.a, p.b, p.alpha, p.beta);
        } else {
            multiply_nn(p.out, p.a, p.b, p.alpha, p.beta);
        }
    });
}

bool EmulatedDevice::multiply_sum(const Matrix& out, std::span<const SumTerm> terms,
                                  const Matrix& bias) {
    if (m_kernels == Kernels::Bodies) return false;
    for (const SumTerm& term : terms) count_strays({term.x.data, term.w.data});
    run({out.data, bias.data}, [&] { engine::multiply_sum(out, terms, bias); });
    return true;
}

void EmulatedDevice::attention_forward(const Matrix& out, const Matrix& logsumexp,
                                       const AttentionInput& input, const AttentionShape& shape,
                                       const Documents& documents) {
    run({out.data, logsumexp.data, input.q.data, input.k.data, input.v.data, documents.staged},
        [&] { engine::attention_forward(out, logsumexp, input, shape, documents); });
}

void EmulatedDevice::attention_backward(const AttentionInput& gradient, const Matrix& dout,
                                        const AttentionInput& input, const Matrix& out,
                                        const Matrix& logsumexp, const AttentionShape& shape,
                                        const Documents& documents) {
    run({gradient.q.data, gradient.k.data, gradient.v.data, dout.data, input.q.data, input.k.data,
         input.v.data, out.data, logsumexp.data, documents.staged},
        [&] {
            engine::attention_backward(gradient, dout, input, out, logsumexp, shape, documents);
        });
}

void EmulatedDevice::check() {
    if (m_queue.error != 0) {
        throw DeviceFailure{m_queue.error, "run a kernel", "an operation failed", false};
    }
}

}  // namespace dayrun::tests
