// The door between a run and the maths: everything RunSession asks of a trainer. core/engine
// implements it, tests/support with a FakeEngine. Lives on the run thread; only
// make_engine may be called elsewhere. No torch here.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/packing/packed.h"
#include "core/model/base_fingerprint.h"
#include "core/plan/disk_plan.h"
#include "core/plan/memory/activation_plan.h"
#include "core/plan/memory/memory_part.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

enum class DeviceKind { Cpu, Cuda };

struct Device {
    DeviceKind kind = DeviceKind::Cpu;
    int index = 0;
    int threads = 0;  // 0: all cores
};

/// What prepare() found and made.
struct PreparedModel {
    std::string architecture;     // "LlamaForCausalLM"
    int64_t parameter_count = 0;  // of the base
    int64_t trained_parameter_count = 0;
    int64_t vocab_size = 0;
    int64_t base_bytes = 0;                    // host or device bytes of the frozen weights
    std::string dtype;                         // "float32" | "bfloat16"
    std::vector<std::string> adapted_modules;  // full names, in model order
    BaseFingerprint base;                      // what the base is, taken while it was loaded
    std::vector<std::string> notes;            // sentences that a person should read
};

/// What one optimizer step did, over all its micro-batches.
struct StepOutcome {
    double loss = 0;       // sum of nats / loss_divisor over the micro-batches
    double grad_norm = 0;  // before clipping
    bool skipped = false;  // non-finite loss or norm: nothing was applied
};

/// Loss sums of evaluated batches, by source.
struct EvalResult {
    struct PerSource {
        double loss_sum = 0;  // nats
        int64_t target_tokens = 0;
    };
    std::vector<PerSource> by_source;  // indexed like Recipe::data
    PerSource total;
};

/// What a dress rehearsal measured.
struct RehearsalFigures {
    double train_s = 0;      // forward and backward of the micro-batch
    double apply_s = 0;      // the optimizer's step
    double eval_s = 0;       // forward of the validation's micro-batch
    PartBytes part_bytes{};  // at most, by part, as counted; overhead is the process itself
    int64_t peak_bytes = 0;  // at most, all parts together at one moment
};

struct GenerateOptions {
    int64_t max_new_tokens = 128;
    double temperature = 0;  // 0: greedy
    double top_p = 1;
    int64_t top_k = 0;  // 0: off
    uint64_t seed = 0;
    std::vector<int32_t> stop_ids = {};
    /// Called with each new id; returning false ends the generation.
    std::function<bool(int32_t)> on_token = {};
};

/// One text to go on with, and how.
struct GenerateRequest {
    std::vector<int32_t> prompt;
    GenerateOptions options;
};

/// Everything a row-by-row comparison with another trainer needs (`dayrun logprobs`).
struct LogprobsResult {
    std::vector<std::vector<float>> logprobs;  // per row, of each next token [T-1]
    std::vector<double> row_loss;  // mean over the row's supervised next tokens; NaN without one
    double loss = 0;               // mean over all supervised next tokens; NaN without one
};

class Engine {
  public:
    virtual ~Engine() = default;

    /// Opens the base, makes adapters (or full parameters) and the optimizer. Once per engine.
    virtual Result<PreparedModel> prepare(const Recipe& recipe) = 0;

    /// Opens the base alone, for generate and logprobs: no adapter, no optimizer. Once per engine,
    /// instead of prepare().
    virtual Result<PreparedModel> prepare_base(const Recipe& recipe) = 0;

    /// Most bytes that the engine may hold, the process's own included; before prepare(). What
    /// would pass it fails with OutOfHostMemory instead. OutOfHostMemory at once when the process
    /// alone has passed it.
    virtual Result<void> limit_memory(int64_t bytes) = 0;
    /// What the process held before the base was opened: code, thread stacks, data.
    virtual int64_t overhead_bytes() const = 0;
    /// How much of each layer is kept from forward to backward; never changes a result.
    virtual void set_activation_plan(const ActivationPlan& plan) = 0;
    /// Runs the largest micro-batches through everything that a run does with them, the optimizer
    /// included, and measures. Before the first step or load_state; changes no result. `eval` may
    /// be empty.
    virtual Result<RehearsalFigures> rehearse(const PackedBatch& train,
                                              const PackedBatch& eval) = 0;

    /// Forward and backward of one micro-batch. Gradients and loss accumulate, each divided by
    /// `loss_divisor`: the number of supervised tokens of the WHOLE optimizer step (loss_mean:
    /// tokens), or the micro-batch's own number times the number of micro-batches.
    virtual Result<void> accumulate(const PackedBatch& batch, double loss_divisor) = 0;
    /// Clips, applies the optimizer with this learning rate and clears gradients and loss.
    virtual Result<StepOutcome> apply_step(double learning_rate) = 0;
    /// The same in two halves, for a device that works behind its caller: the step is put into its
    /// queue, and finish_step() tells the outcome of the oldest one started, waiting only if the
    /// device has not come so far. An engine without a queue does all of it at once.
    virtual Result<void> start_step(double learning_rate) {
        TRY(outcome, apply_step(learning_rate));
        m_outcomes.push_back(outcome);
        return {};
    }
    virtual Result<StepOutcome> finish_step() {
        const StepOutcome oldest = m_outcomes.front();
        m_outcomes.pop_front();
        return oldest;
    }
    /// How many started steps may be unfinished while the next one is accumulated.
    virtual int64_t steps_behind() const { return 0; }
    /// After OutOfGpuMemory: keeps less between forward and backward from now on, so that the step
    /// can be tried again from its first micro-batch. False when nothing leaner is left.
    virtual bool make_leaner() { return false; }
    /// Forgets gradients accumulated since the last apply_step (stop between micro-batches).
    virtual void drop_gradients() = 0;

    /// Loss of batches without any change of state: no dropout, no noise.
    virtual Result<EvalResult> evaluate(const std::vector<PackedBatch>& batches,
                                        size_t source_count) = 0;

    /// New ids after each prompt, in the requests' order; several texts are worked on at once. A
    /// text gets the ids that it gets alone. A stop id ends its text and is not returned.
    virtual Result<std::vector<std::vector<int32_t>>> generate_batch(
        const std::vector<GenerateRequest>& requests) = 0;
    Result<std::vector<int32_t>> generate(const std::vector<int32_t>& prompt,
                                          const GenerateOptions& options) {
        TRY(made, generate_batch({{prompt, options}}));
        return std::move(made.front());
    }

    /// Writes the adapter in PEFT layout (or full weights in Hugging Face layout for method full)
    /// into `folder`, whole or not at all.
    virtual Result<void> save_adapter(const std::filesystem::path& folder) = 0;
    /// Optimizer state, counters and generators beside the adapter, for --continue.
    virtual Result<void> save_state(const std::filesystem::path& folder) = 0;
    virtual Result<void> load_state(const std::filesystem::path& folder) = 0;
    /// What the two write, headers aside.
    virtual CheckpointBytes checkpoint_bytes() const = 0;

    /// Log-probabilities through the code that trains. `logits_out` and `grads_out` may be empty;
    /// otherwise safetensors files are written (gradients under PEFT's names).
    virtual Result<LogprobsResult> logprobs(const std::vector<PackedRow>& rows,
                                            const std::filesystem::path& logits_out,
                                            const std::filesystem::path& grads_out) = 0;

    /// Bytes on the device now and at most since prepare (host memory on a CPU).
    virtual int64_t device_bytes() const = 0;
    virtual int64_t device_bytes_peak() const = 0;

  private:
    std::deque<StepOutcome> m_outcomes;
};

/// Makes an engine for a device; given to RunSession by the app, so that core/run needs no torch.
using EngineFactory = std::function<Result<std::unique_ptr<Engine>>(const Device&)>;

}  // namespace dayrun::core
