// The device bodies of step_gate.h; step_gate.cu says what they move and why they are cut so.
#pragma once

#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"
#include "kernels/device/tensor_batch.h"
#include "kernels/step_gate/step_gate.h"

namespace dayrun::kernels {

/// One block: thread i adds the losses i, i + 256, ..., then the threads' sums.
struct AddLossesBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    struct Shared {
        double sums[kThreads / kWarp];
    };
    AddLosses p;

    DAYRUN_DEVICE void operator()(Block& block) const {
        double sum = 0;
        for (int64_t i = block.thread(); i < p.count; i += kThreads) sum += p.losses[i];
        sum = reduce_block<kThreads>(block, block.shared<Shared>().sums, sum, Sum<double>());
        if (block.thread() == 0) p.gate->loss += sum / p.divisor;
    }
};

/// How many partial sums of squares there are at most: one per block of the first kernel.
constexpr int kMostSums = 1024;

/// Block b adds the squares of the chunks b, b + sum_count, ... in float64 to partial[b].
struct SumSquaresBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    static constexpr int64_t kChunk = 65536;
    static constexpr int kMostTensors = 1000;
    struct Shared {
        double sums[kThreads / kWarp];
    };
    TensorBatch<GradTensor, kMostTensors, kChunk> batch;
    double* partial;  // [sum_count]
    int sum_count;    // the same for every batch
    bool is_first;    // partial holds nothing yet

    int64_t block_count() const { return sum_count; }

    DAYRUN_DEVICE void operator()(Block& block) const {
        double sum = 0;
        for (int64_t i = block.index(); i < batch.chunk_count(); i += sum_count) {
            const auto chunk = batch.chunk(i);
            const float* grad = chunk.tensor.grad + chunk.offset;
            const int count = static_cast<int>(chunk.count);
            // Chunks are multiples of a pack, so all of a tensor's are aligned as its first is.
            sum += reinterpret_cast<uintptr_t>(grad) % kPackBytes == 0
                       ? squares<4>(block, grad, count)
                       : squares<1>(block, grad, count);
        }
        sum = reduce_block<kThreads>(block, block.shared<Shared>().sums, sum, Sum<double>());
        if (block.thread() != 0) return;
        partial[block.index()] = is_first ? sum : partial[block.index()] + sum;
    }

    template <int kPack>
    DAYRUN_DEVICE static double squares(const Block& block, const float* grad, int count) {
        double sum = 0;
        for (int i = block.thread() * kPack; i < count; i += kThreads * kPack) {
            const auto values = load_pack<kPack>(grad + i, count - i);
            DAYRUN_UNROLL
            for (int k = 0; k < kPack; ++k) {
                const double value = values.at[k];
                sum = fma(value, value, sum);
            }
        }
        return sum;
    }
};

/// One block: the partial sums in order, and the gate.
struct CloseStepBody {
    static constexpr int kThreads = 256;
    static constexpr bool kSwitches = true;
    struct Shared {
        double sums[kThreads / kWarp];
    };
    StepGate* gate;
    const double* partial;  // [sum_count]
    int sum_count;
    double max_norm;
    bool skips;

    DAYRUN_DEVICE void operator()(Block& block) const {
        double sum = 0;
        for (int i = block.thread(); i < sum_count; i += kThreads) sum += partial[i];
        sum = reduce_block<kThreads>(block, block.shared<Shared>().sums, sum, Sum<double>());
        if (block.thread() != 0) return;
        const double norm = sqrt(sum);
        gate->norm = norm;
        // clip_coefficient(): fmin would hide a norm that is not a number.
        const double ratio = max_norm / (norm + 1e-6);
        gate->clip = max_norm <= 0.0 ? 1.0f : static_cast<float>(ratio < 1.0 ? ratio : 1.0);
        const bool is_finite = sum * 0.0 == 0.0 && gate->loss * 0.0 == 0.0;
        gate->skip = skips || !is_finite ? 1 : 0;
    }
};

}  // namespace dayrun::kernels
