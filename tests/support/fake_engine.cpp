// Deterministic losses from token ids: high at first, falling with every applied step.
#include "tests/support/fake_engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

#include "core/base/atomic_file.h"
#include "core/base/units.h"

namespace dayrun::tests {

namespace {

using namespace dayrun::core;

constexpr int64_t kHeldBytes = 1 << 20;

class FakeEngine : public Engine {
  public:
    FakeEngine(std::shared_ptr<const FakeScript> script, std::shared_ptr<FakeCounts> counts)
        : m_script(std::move(script)), m_counts(std::move(counts)) {
        ++m_counts->engines_alive;
    }
    ~FakeEngine() override { --m_counts->engines_alive; }

    Result<PreparedModel> prepare(const Recipe& recipe) override {
        ++m_counts->prepare;
        if (m_script->on_prepare) m_script->on_prepare(recipe);
        if (m_script->fail_prepare) {
            return Error{.code = ErrorCode::BadModel,
                         .message = "The fake base cannot be opened.",
                         .hint = "Choose another."};
        }
        m_seed_shift = static_cast<double>(recipe.seed % 97) * 1e-3;
        PreparedModel model;
        model.architecture = "FakeForCausalLM";
        model.parameter_count = 1000;
        model.trained_parameter_count = 10 * recipe.adapter.lora_rank;
        model.vocab_size = 64;
        model.dtype = "float32";
        model.adapted_modules = {"model.layers.0.self_attn.q_proj"};
        model.base.tensors["lm_head.weight"] = {
            .dtype = "F32", .shape = {64, 8}, .checksum = m_script->base};
        return model;
    }
    Result<PreparedModel> prepare_base(const Recipe& recipe) override { return prepare(recipe); }

    Result<void> limit_memory(int64_t bytes) override {
        if (bytes > kHeldBytes) return {};
        return Error{.code = ErrorCode::OutOfHostMemory,
                     .message = "The fake process alone takes more than the budget."};
    }
    int64_t overhead_bytes() const override { return kHeldBytes; }
    void set_activation_plan(const ActivationPlan&) override {}
    Result<RehearsalFigures> rehearse(const PackedBatch& train, const PackedBatch&) override {
        ++m_counts->rehearse;
        if (m_counts->make_leaner < m_script->rehearses_after) return short_of_memory();
        TRY_VOID(evaluate({train}, 1));
        RehearsalFigures figures;
        figures.train_s = 0.001;
        figures.part_bytes[static_cast<size_t>(MemoryPart::Overhead)] = kHeldBytes;
        figures.peak_bytes = 2 * kHeldBytes;
        return figures;
    }

    Result<void> accumulate(const PackedBatch& batch, double loss_divisor) override {
        const int call = ++m_counts->accumulate;
        if (m_script->on_accumulate) m_script->on_accumulate(call);
        rest();
        const int from = m_script->short_of_memory_from;
        if (from > 0 && call >= from &&
            m_counts->make_leaner < std::max(1, m_script->leaner_plans)) {
            m_loss += 1e6;  // what a step that broke off leaves behind must not count
            return short_of_memory();
        }
        m_loss += loss_sum(batch, 0, batch.tokens.size()) / loss_divisor;
        return {};
    }

    int64_t steps_behind() const override { return m_script->steps_behind; }
    bool make_leaner() override {
        if (m_counts->make_leaner >= m_script->leaner_plans) return false;
        ++m_counts->make_leaner;
        return true;
    }

    Result<StepOutcome> apply_step(double learning_rate) override {
        ++m_counts->apply_step;
        const int step = ++m_step;
        if (step == m_script->throw_at_step) throw std::runtime_error("a library's exception");
        if (step == m_script->fail_at_step) {
            return Error{.code = ErrorCode::KernelFailed,
                         .message = "The fake device stopped working.",
                         .hint = "Start again."};
        }
        StepOutcome outcome{.loss = m_loss, .grad_norm = 1 + m_loss, .skipped = false};
        if (step >= m_script->not_finite_from && step <= m_script->not_finite_until) {
            outcome.loss = std::numeric_limits<double>::quiet_NaN();
            outcome.skipped = true;
        } else {
            m_trained += learning_rate;
        }
        m_loss = 0;
        return outcome;
    }

    void drop_gradients() override {
        ++m_counts->drop_gradients;
        m_loss = 0;
    }

    Result<EvalResult> evaluate(const std::vector<PackedBatch>& batches,
                                size_t source_count) override {
        const int call = ++m_counts->evaluate;
        if (m_script->on_evaluate) m_script->on_evaluate(call);
        rest();
        EvalResult result;
        result.by_source.resize(source_count);
        for (const PackedBatch& batch : batches) {
            for (const DocumentSpan& span : batch.documents) {
                auto& source = result.by_source[span.source_index];
                source.loss_sum +=
                    loss_sum(batch, static_cast<size_t>(span.begin), static_cast<size_t>(span.end));
                for (int32_t t = span.begin; t < span.end; ++t) {
                    source.target_tokens += batch.targets[static_cast<size_t>(t)] != kIgnoreLabel;
                }
            }
        }
        for (const auto& source : result.by_source) {
            result.total.loss_sum += source.loss_sum;
            result.total.target_tokens += source.target_tokens;
        }
        return result;
    }

    Result<std::vector<std::vector<int32_t>>> generate_batch(
        const std::vector<GenerateRequest>& requests) override {
        std::vector<std::vector<int32_t>> made;
        for (const GenerateRequest& request : requests) {
            ++m_counts->generate;
            made.emplace_back(request.prompt.rbegin(), request.prompt.rend());
        }
        return made;
    }

    Result<void> save_adapter(const std::filesystem::path& folder) override {
        ++m_counts->save_adapter;
        TRY_VOID(write_file(folder / "adapter_config.json", "{\"peft_type\": \"LORA\"}\n"));
        return write_file(folder / "adapter_model.safetensors", shortest(m_trained));
    }
    Result<void> save_state(const std::filesystem::path& folder) override {
        ++m_counts->save_state;
        return write_file(folder / "state.txt", shortest(m_trained));
    }
    Result<void> load_state(const std::filesystem::path& folder) override {
        TRY(text, read_file(folder / "state.txt"));
        m_trained = std::stod(text);
        return {};
    }

    Result<LogprobsResult> logprobs(const std::vector<PackedRow>&, const std::filesystem::path&,
                                    const std::filesystem::path&) override {
        return Error{.code = ErrorCode::Unsupported,
                     .message = "The fake engine has no log-probabilities."};
    }

    CheckpointBytes checkpoint_bytes() const override { return {.adapter = 100, .state = 1000}; }
    int64_t device_bytes() const override { return kHeldBytes; }
    int64_t device_bytes_peak() const override { return 2 * kHeldBytes; }

  private:
    static Error short_of_memory() {
        return {.code = ErrorCode::OutOfGpuMemory,
                .message = "The fake card's memory is not enough.",
                .hint = "Choose a larger one."};
    }
    void rest() const {
        if (m_script->sleep_ms > 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(m_script->sleep_ms));
        }
    }

    // Each target costs between 1 and 2 nats at first, less as training goes on.
    double loss_sum(const PackedBatch& batch, size_t begin, size_t end) const {
        double sum = 0;
        for (size_t t = begin; t < end; ++t) {
            if (batch.targets[t] == kIgnoreLabel) continue;
            const double id = static_cast<double>((batch.targets[t] * 31 + batch.tokens[t]) % 64);
            sum += (1.0 + id / 64.0 + m_seed_shift) * std::exp(-100 * m_trained);
        }
        return sum;
    }

    std::shared_ptr<const FakeScript> m_script;
    std::shared_ptr<FakeCounts> m_counts;
    double m_seed_shift = 0;
    double m_trained = 0;  // sum of applied learning rates
    double m_loss = 0;
    int m_step = 0;
};

}  // namespace

core::EngineFactory fake_engine_factory(std::shared_ptr<const FakeScript> script,
                                        std::shared_ptr<FakeCounts> counts) {
    if (script == nullptr) script = std::make_shared<FakeScript>();
    if (counts == nullptr) counts = std::make_shared<FakeCounts>();
    return [script, counts](const core::Device&) -> core::Result<std::unique_ptr<core::Engine>> {
        return std::make_unique<FakeEngine>(script, counts);
    };
}

}  // namespace dayrun::tests
