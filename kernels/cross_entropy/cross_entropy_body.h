// The device body of cross_entropy.h; cross_entropy.cu says what it moves and why it is cut so.
#pragma once

#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"

namespace dayrun::kernels {

enum class CrossEntropyGradient { No, Yes };

template <class T, int kPack, CrossEntropyGradient kGradient>
struct CrossEntropyBody {
    static constexpr int kThreads = 512;
    static constexpr bool kSwitches = true;
    static constexpr int kStep = kThreads * kPack;
    struct Shared {
        float tops[kThreads / kWarp];
        float sums[kThreads / kWarp];
    };
    CrossEntropy p;  // stride filled in

    /// The largest logit so far and the sum of exp(z - top), the label's own term aside.
    struct Running {
        float top;
        float others;
    };
    /// What the sweep over a row found.
    struct RowSum {
        float top;
        float others;
        float own;  // exp(z[label] - top)
    };

    DAYRUN_DEVICE void operator()(Block& block) const {
        const int64_t row = block.index();
        T* logits = static_cast<T*>(p.logits) + row * p.stride;
        const int64_t label = p.labels[row];
        if (label < 0 || label >= p.vocab) {
            const float value = label == kIgnoredLabel ? 0.0f : NAN;
            if (block.thread() == 0) store_loss(row, value, value);
            if (kGradient == CrossEntropyGradient::Yes) fill(block, logits, value);
            return;
        }
        const float own_logit = to_float(logits[label]);
        const RowSum sum = sum_row(block, logits, static_cast<int>(label), own_logit);
        if (block.thread() == 0) {
            // One thread's few float64 steps cost nothing, even where a card has little of it.
            const double total = static_cast<double>(sum.others) + sum.own;
            const double loss = sum.others > sum.own
                                    ? log(total) + (static_cast<double>(sum.top) - own_logit)
                                    : log1p(static_cast<double>(sum.others) / sum.own);
            store_loss(row, static_cast<float>(loss), static_cast<float>(sum.top + log(total)));
        }
        if (kGradient == CrossEntropyGradient::No) return;
        const float weight = p.row_scale != nullptr ? p.row_scale[row] : 1.0f;
        const float factor = p.grad_scale * weight / (sum.others + sum.own);
        // The sums' barriers lie behind: all have read the row before an element changes.
        write_gradient(block, logits, static_cast<int>(label), sum, factor);
    }

    DAYRUN_DEVICE void store_loss(int64_t row, float loss, float logsumexp) const {
        p.loss[row] = loss;
        if (p.logsumexp != nullptr) p.logsumexp[row] = logsumexp;
    }

    DAYRUN_DEVICE void fill(const Block& block, T* logits, float value) const {
        Pack<T, kPack> values;
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) values.at[i] = rounded<T>(value);
        const int vocab = static_cast<int>(p.vocab);
        for (int col = block.thread() * kPack; col < vocab; col += kStep) {
            store_pack(logits + col, values, vocab - col);
        }
    }

    DAYRUN_DEVICE RowSum sum_row(const Block& block, const T* logits, int label,
                                 float own_logit) const {
        Running running{-INFINITY, 0.0f};
        const int vocab = static_cast<int>(p.vocab);
        for (int col = block.thread() * kPack; col < vocab; col += kStep) {
            const Pack<T, kPack> values = load_pack<kPack>(logits + col, vocab - col);
            running = with_pack(running, values, vocab - col, label - col);
        }
        Shared& shared = block.shared<Shared>();
        const auto larger = [](float a, float b) { return fmaxf(a, b); };
        const float top =
            fmaxf(reduce_block<kThreads>(block, shared.tops, running.top, larger), own_logit);
        // Nothing but -inf seen: the sum is 0 and its factor does not matter.
        const float factor = running.top == -INFINITY ? 1.0f : expf(running.top - top);
        const float others =
            reduce_block<kThreads>(block, shared.sums, running.others * factor, Sum<float>());
        return {top, others, expf(own_logit - top)};
    }

    /// `label_at` is the label's place in the pack, or outside of it.
    DAYRUN_DEVICE static Running with_pack(Running running, const Pack<T, kPack>& values, int count,
                                           int label_at) {
        float top = running.top;
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            if (i < count && i != label_at) top = fmaxf(top, to_float(values.at[i]));
        }
        if (top > running.top) {
            running.others *= running.top == -INFINITY ? 0.0f : expf(running.top - top);
            running.top = top;
        }
        DAYRUN_UNROLL
        for (int i = 0; i < kPack; ++i) {
            if (i < count && i != label_at) {
                running.others += exp_below(to_float(values.at[i]), running.top);
            }
        }
        return running;
    }

    /// exp(value - top), and 0 for a masked entry even where everything so far is masked.
    DAYRUN_DEVICE static float exp_below(float value, float top) {
        return value == -INFINITY ? 0.0f : expf(value - top);
    }

    /// For what is stored as bfloat16 the hardware's exponential is exact enough (2 ulp of float32
    /// near the top, where the gradient is).
    DAYRUN_DEVICE static float exp_for_gradient(float value) {
#if defined(__CUDACC__)
        if constexpr (sizeof(T) == 2) return __expf(value);
#endif
        return expf(value);
    }

    DAYRUN_DEVICE void write_gradient(const Block& block, T* logits, int label, const RowSum& sum,
                                      float factor) const {
        const int vocab = static_cast<int>(p.vocab);
        const T own = rounded<T>(-sum.others * factor);
        for (int col = block.thread() * kPack; col < vocab; col += kStep) {
            Pack<T, kPack> values = load_pack<kPack>(logits + col, vocab - col);
            DAYRUN_UNROLL
            for (int i = 0; i < kPack; ++i) {
                const float e = exp_for_gradient(to_float(values.at[i]) - sum.top);
                values.at[i] = col + i == label ? own : rounded<T>(e * factor);
            }
            store_pack(logits + col, values, vocab - col);
        }
    }
};

}  // namespace dayrun::kernels
