// The Engine of core/run by composition of this room's parts, on the CPU or an accelerator. Every
// door runs guarded; the number of threads and the device belong to the calling thread and are set
// anew by each. Lives on the run thread.
#pragma once

#include <deque>
#include <memory>

#include "core/engine/decoder/decoder.h"
#include "core/engine/device/open_cuda.h"
#include "core/engine/engine.h"
#include "core/engine/guard.h"
#include "core/engine/loss.h"
#include "core/engine/model/base_model.h"
#include "core/engine/model/model_builder.h"
#include "core/engine/optimizer/optimizer.h"
#include "kernels/step_gate/step_gate.h"

namespace dayrun::engine {

class DecoderEngine : public core::Engine {
  public:
    /// Runs on what `open` opens for the recipe; without it on the CPU.
    explicit DecoderEngine(const core::Device& device, OpenAccelerator open = {});
    ~DecoderEngine() override;

    core::Result<core::PreparedModel> prepare(const core::Recipe& recipe) override;
    core::Result<core::PreparedModel> prepare_base(const core::Recipe& recipe) override;
    core::Result<void> limit_memory(int64_t bytes) override;
    int64_t overhead_bytes() const override { return m_overhead_bytes; }
    void set_activation_plan(const ActivationPlan& plan) override;
    bool make_leaner() override;
    core::Result<core::RehearsalFigures> rehearse(const core::PackedBatch& train,
                                                  const core::PackedBatch& eval) override;
    core::Result<void> accumulate(const core::PackedBatch& batch, double loss_divisor) override;
    core::Result<core::StepOutcome> apply_step(double learning_rate) override;
    core::Result<void> start_step(double learning_rate) override;
    core::Result<core::StepOutcome> finish_step() override;
    int64_t steps_behind() const override { return m_accelerator != nullptr ? 1 : 0; }
    void drop_gradients() override;
    core::Result<core::EvalResult> evaluate(const std::vector<core::PackedBatch>& batches,
                                            size_t source_count) override;
    core::Result<std::vector<std::vector<int32_t>>> generate_batch(
        const std::vector<core::GenerateRequest>& requests) override;
    core::Result<void> save_adapter(const std::filesystem::path& folder) override;
    core::Result<void> save_state(const std::filesystem::path& folder) override;
    core::Result<void> load_state(const std::filesystem::path& folder) override;
    core::CheckpointBytes checkpoint_bytes() const override;
    core::Result<core::LogprobsResult> logprobs(const std::vector<core::PackedRow>& rows,
                                                const std::filesystem::path& logits_out,
                                                const std::filesystem::path& grads_out) override;
    int64_t device_bytes() const override;
    int64_t device_bytes_peak() const override;

    /// For tests and the memory plan: the decoder and what is trained. Valid after prepare().
    Decoder& decoder() { return *m_decoder; }
    ParameterSet& parameters() { return *m_model.parameters; }

  private:
    /// Sets the calling thread's number of threads: another engine may have set it, and this
    /// one may have moved.
    void bind_thread();
    /// Runs a door's body: guarded, with this engine's threads and device.
    template <class Body>
    auto in_engine(const char* action, Body&& body) -> decltype(body()) {
        const UseAccelerator device(m_accelerator.get());
        return guarded(action, [&] {
            bind_thread();
            auto result = body();
            if (m_accelerator != nullptr) m_accelerator->check();
            return result;
        });
    }
    core::Result<core::PreparedModel> prepare_model(const core::Recipe& recipe);
    /// Of the base, and of the adapter that it starts from.
    std::vector<std::string> notes() const;
    core::Result<void> check_ready() const;
    core::StepOutcome take_outcome();
    kernels::StepGate* gate() const { return static_cast<kernels::StepGate*>(m_gate.data()); }
    /// An error that names the weight at fault, when a loss is not a number because of the base.
    core::Result<void> check_finite(double loss) const;
    core::Result<void> check_batch(const core::PackedBatch& batch) const;
    void apply_limit();
    /// Appends the log-probabilities of all next tokens, and the logits where they are wanted; the
    /// summed loss of the labels.
    double score(const core::PackedBatch& batch, std::vector<float>& logprobs,
                 std::vector<float>* logits);
    core::Result<void> accumulate_batch(const core::PackedBatch& batch, double loss_divisor,
                                        const TrainingNoise& noise);

    core::Device m_device;
    OpenAccelerator m_open;
    std::unique_ptr<Accelerator> m_accelerator;  // outlives every buffer below
    core::Recipe m_recipe;
    std::unique_ptr<BaseModel> m_base;
    core::BaseFingerprint m_fingerprint;  // what the base is
    BuiltModel m_model;
    std::unique_ptr<Decoder> m_decoder;
    std::unique_ptr<LossHead> m_head;
    std::unique_ptr<Optimizer> m_optimizer;
    Buffer m_gate;  // loss, norm and skip flag of the step being accumulated
    int64_t m_overhead_bytes = 0;
    int64_t m_limit_bytes = 0;             // 0: none
    int64_t m_target_tokens = 0;           // of the step being accumulated
    int64_t m_sent_gates = 0;              // started steps whose gates are still with the device
    std::deque<core::StepOutcome> m_told;  // read from gates, not asked for yet
};

}  // namespace dayrun::engine
