// The engine's doors. Neighbour: decoder_engine.h; logprobs() is in logprobs.cpp.
#include "core/engine/decoder_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/clock.h"
#include "core/device/worker_threads.h"
#include "core/engine/device/host_mirror.h"
#include "core/engine/generate.h"
#include "core/engine/long_texts.h"
#include "core/engine/model/checkpoint.h"
#include "core/engine/thread_pool.h"
#include "core/model/adapter_files.h"
#include "kernels/common/parallel.h"
#include "kernels/step_gate/step_gate.h"

namespace dayrun::engine {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

// Settings that contradict each other.
Result<void> check_recipe(const core::Recipe& recipe) {
    const core::AdapterSpec& adapter = recipe.adapter;
    if (adapter.method == core::AdapterMethod::Full && !adapter.init_from.empty()) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = "adapter.init_from names an adapter, but adapter.method is full.",
                     .hint = "Set adapter.method to lora, or leave init_from empty."};
    }
    if (adapter.method == core::AdapterMethod::Full && adapter.lora_dropout > 0) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message =
                         "adapter.lora_dropout is set, but adapter.method full has no "
                         "adapter to drop inputs of.",
                     .hint = "Set adapter.lora_dropout to 0, or adapter.method to lora."};
    }
    return {};
}

}  // namespace

void DecoderEngine::bind_thread() {
    use_threads(m_device.threads > 0 ? m_device.threads : core::worker_threads());
    kernels::set_parallel_backend(&run_in_parallel);
}

Result<core::PreparedModel> DecoderEngine::prepare(const core::Recipe& recipe) {
    if (m_open) {
        TRY(opened, m_open(recipe));
        m_accelerator = std::move(opened);
    }
    return in_engine("open the base model",
                     [&]() -> Result<core::PreparedModel> { return prepare_model(recipe); });
}

Result<core::PreparedModel> DecoderEngine::prepare_base(const core::Recipe& recipe) {
    core::Recipe alone = recipe;
    alone.adapter = {};
    alone.adapter.target_modules = std::vector<std::string>{};
    alone.optimizer = {};
    return prepare(alone);
}

Result<core::PreparedModel> DecoderEngine::prepare_model(const core::Recipe& recipe) {
    CHECK(m_decoder == nullptr);
    TRY_VOID(check_recipe(recipe));
    m_recipe = recipe;
    apply_limit();
    TRY(base, BaseModel::open(recipe));
    m_base = std::make_unique<BaseModel>(std::move(base));
    TRY(model, build_model(recipe, *m_base));
    m_model = std::move(model);
    TRY(fingerprint, m_base->finish());
    m_fingerprint = std::move(fingerprint);
    const bool pages =
        m_accelerator != nullptr && recipe.optimizer.name == core::OptimizerName::PagedAdamW32bit;
    m_optimizer = make_optimizer(recipe.optimizer, *m_model.parameters,
                                 pages ? m_accelerator->make_pager() : nullptr);
    TRY(decoder, Decoder::make(std::move(m_model.weights)));
    m_decoder = std::move(decoder);
    m_decoder->parameters_changed(recipe.adapter.init_from.empty() ? AdapterStart::Fresh
                                                                   : AdapterStart::AsItIs);
    m_head = std::make_unique<LossHead>(m_decoder->weights(), m_decoder->phase_rows());
    m_gate = Buffer(sizeof(kernels::StepGate), MemoryPart::Gradients);
    m_gate.fill_zero();

    const core::ModelConfig& config = m_base->config();
    core::PreparedModel prepared;
    prepared.base = m_fingerprint;
    prepared.notes = notes();
    prepared.architecture = config.architecture;
    prepared.parameter_count = core::parameter_count(config);
    prepared.trained_parameter_count = m_model.parameters->count();
    prepared.vocab_size = config.vocab_size;
    prepared.base_bytes = m_base->weight_bytes();
    prepared.dtype = m_base->dtype() == Dtype::BFloat16 ? "bfloat16" : "float32";
    prepared.adapted_modules = m_model.adapted_modules;
    return prepared;
}

std::vector<std::string> DecoderEngine::notes() const {
    std::vector<std::string> notes = m_base->config().notes;
    if (!m_model.trained_on) return notes;
    std::string sentence = core::other_base_sentence(
        m_recipe.adapter.init_from, *m_model.trained_on, m_base->folder(), m_fingerprint);
    if (!sentence.empty()) notes.push_back(std::move(sentence));
    return notes;
}

Result<void> DecoderEngine::check_ready() const {
    if (m_head != nullptr) return {};
    return Error{.code = ErrorCode::Internal,
                 .message = "The engine was used before its base model was opened."};
}

// A diverged model gives such losses too; those are the run's to judge.
Result<void> DecoderEngine::check_finite(double loss) const {
    if (std::isfinite(loss)) return {};
    const std::string name = m_base->find_not_finite();
    if (name.empty()) return {};
    return Error{.code = ErrorCode::NotFinite,
                 .message = fmt::format("The weight '{}' of '{}' holds values that are not finite, "
                                        "so its loss is not a number.",
                                        name, m_base->folder().string()),
                 .hint = "The checkpoint is damaged: get it again."};
}

Result<void> DecoderEngine::check_batch(const core::PackedBatch& batch) const {
    TRY_VOID(check_ready());
    const int64_t vocab = m_base->config().vocab_size;
    const auto is_id = [&](int32_t id) { return id >= 0 && id < vocab; };
    const auto refuse = [&](int32_t id, const char* what) {
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("A row holds the {} {}, but the base has {} ids.", what,
                                            id, vocab),
                     .hint = "The tokenizer or the rows do not belong to this base."};
    };
    for (const int32_t id : batch.tokens) {
        if (!is_id(id)) return refuse(id, "token");
    }
    for (const int32_t id : batch.targets) {
        if (id != core::kIgnoreLabel && !is_id(id)) return refuse(id, "label");
    }
    TRY_VOID(check_rope_length(m_base->config(), batch.max_seqlen));
    CHECK(batch.targets.size() == batch.tokens.size());
    CHECK(batch.position_ids.size() == batch.tokens.size());
    CHECK(!batch.cu_seqlens.empty() &&
          batch.cu_seqlens.back() == static_cast<int32_t>(batch.tokens.size()));
    return {};
}

Result<void> DecoderEngine::accumulate(const core::PackedBatch& batch, double loss_divisor) {
    return in_engine("train on a micro-batch", [&]() -> Result<void> {
        TRY_VOID(check_batch(batch));
        const core::AdapterSpec& adapter = m_recipe.adapter;
        return accumulate_batch(batch, loss_divisor,
                                {.dropout = static_cast<float>(adapter.lora_dropout),
                                 .neftune_alpha = static_cast<float>(adapter.neftune_alpha),
                                 .neftune_length = adapter.neftune_length,
                                 .seed = m_recipe.seed});
    });
}

Result<void> DecoderEngine::accumulate_batch(const core::PackedBatch& batch, double loss_divisor,
                                             const TrainingNoise& noise) {
    if (batch.target_token_count == 0) return {};
    const StagedBatch staged = stage_batch(batch);
    const StagedTargets targets(batch.targets);
    const HiddenState hidden = m_decoder->forward_for_training(staged, noise);
    const Matrix gradient = m_decoder->gradient_rows(staged.tokens);
    const Matrix losses = m_head->losses_and_gradient(
        hidden, targets, static_cast<float>(1.0 / loss_divisor), gradient);
    kernels::add_losses(
        {.gate = gate(), .losses = losses.floats(), .count = losses.rows, .divisor = loss_divisor});
    m_target_tokens += batch.target_token_count;
    m_decoder->backward(staged, gradient);
    return {};
}

Result<core::StepOutcome> DecoderEngine::apply_step(double learning_rate) {
    TRY_VOID(start_step(learning_rate));
    return finish_step();
}

Result<void> DecoderEngine::start_step(double learning_rate) {
    return in_engine("apply a step", [&]() -> Result<void> {
        TRY_VOID(check_ready());
        // The step before is done by now: this one's micro-batches are queued behind it. Whether it
        // was skipped decides how many steps the optimizer has done.
        while (m_sent_gates > 0) m_told.push_back(take_outcome());
        std::vector<kernels::GradTensor> gradients;
        for (const Parameter& parameter : m_model.parameters->all()) {
            gradients.push_back({parameter.gradient, parameter.count});
        }
        kernels::close_step({.gate = gate(),
                             .tensors = gradients.data(),
                             .tensor_count = static_cast<int64_t>(gradients.size()),
                             .max_norm = m_recipe.optimizer.max_grad_norm,
                             .skips = m_target_tokens == 0});
        // The gate decides where the gradients are; the host hears of it afterwards.
        m_optimizer->step(learning_rate, gate());
        m_model.parameters->refresh_rounded();
        m_decoder->parameters_changed();
        ++m_sent_gates;
        if (m_accelerator != nullptr) {
            m_accelerator->send_gate(gate());
        } else {
            m_told.push_back(take_outcome());
        }
        drop_gradients();
        return {};
    });
}

Result<core::StepOutcome> DecoderEngine::finish_step() {
    return in_engine("read a step's figures", [&]() -> Result<core::StepOutcome> {
        if (m_told.empty()) m_told.push_back(take_outcome());
        const core::StepOutcome oldest = m_told.front();
        m_told.pop_front();
        return oldest;
    });
}

core::StepOutcome DecoderEngine::take_outcome() {
    CHECK(m_sent_gates > 0);
    --m_sent_gates;
    const kernels::StepGate told = m_accelerator != nullptr ? m_accelerator->take_gate() : *gate();
    if (told.skip != 0) m_optimizer->set_step_count(m_optimizer->step_count() - 1);
    return {.loss = told.loss, .grad_norm = told.norm, .skipped = told.skip != 0};
}

void DecoderEngine::drop_gradients() {
    if (m_model.parameters != nullptr) m_model.parameters->zero_gradients();
    m_gate.fill_zero();
    m_target_tokens = 0;
}

Result<core::EvalResult> DecoderEngine::evaluate(const std::vector<core::PackedBatch>& batches,
                                                 size_t source_count) {
    return in_engine("evaluate", [&]() -> Result<core::EvalResult> {
        core::EvalResult result;
        result.by_source.resize(source_count);
        for (const core::PackedBatch& batch : batches) {
            TRY_VOID(check_batch(batch));
            if (batch.target_token_count == 0) continue;
            std::vector<float> losses;
            for_each_part(m_base->config(), batch, [&](const core::PackedBatch& part) {
                if (part.target_token_count == 0) return;
                const HiddenState hidden = m_decoder->forward(stage_batch(part));
                const auto own = m_head->losses(hidden, StagedTargets(part.targets));
                losses.insert(losses.end(), own.begin(), own.end());
            });
            size_t next = 0;
            for (const core::DocumentSpan& document : batch.documents) {
                double sum = 0;
                int64_t count = 0;
                for (int32_t t = document.begin; t < document.end; ++t) {
                    if (batch.targets[static_cast<size_t>(t)] == core::kIgnoreLabel) continue;
                    sum += losses[next++];
                    ++count;
                }
                if (document.source_index < source_count) {
                    result.by_source[document.source_index].loss_sum += sum;
                    result.by_source[document.source_index].target_tokens += count;
                }
                result.total.loss_sum += sum;
                result.total.target_tokens += count;
            }
        }
        TRY_VOID(check_finite(result.total.loss_sum));
        return result;
    });
}

Result<std::vector<std::vector<int32_t>>> DecoderEngine::generate_batch(
    const std::vector<core::GenerateRequest>& requests) {
    return in_engine("generate text", [&]() -> Result<std::vector<std::vector<int32_t>>> {
        TRY_VOID(check_ready());
        const int64_t vocab = m_base->config().vocab_size;
        for (const core::GenerateRequest& request : requests) {
            if (request.prompt.empty()) {
                return Error{.code = ErrorCode::BadUsage,
                             .message = "The prompt is empty.",
                             .hint = "Give at least one token."};
            }
            const auto prompt = static_cast<int64_t>(request.prompt.size());
            // The last new token is not looked at any more.
            TRY_VOID(
                check_rope_length(m_base->config(), prompt + request.options.max_new_tokens - 1));
            for (const int32_t id : request.prompt) {
                if (id >= 0 && id < vocab) continue;
                return Error{.code = ErrorCode::BadUsage,
                             .message = fmt::format(
                                 "The prompt holds the id {}, but the base has {} ids.", id, vocab),
                             .hint = fmt::format("Ids are 0 to {}.", vocab - 1)};
            }
        }
        auto made = generate_texts(*m_decoder, *m_head, requests);
        if (!made.ok()) TRY_VOID(check_finite(NAN));
        return made;
    });
}

Result<void> DecoderEngine::save_adapter(const std::filesystem::path& folder) {
    return in_engine("save the adapter", [&]() -> Result<void> {
        TRY_VOID(check_ready());
        TRY_VOID(m_base->check_in_use());
        const Dtype stored = stored_dtype(m_recipe.adapter);
        if (m_recipe.adapter.method == core::AdapterMethod::Full) {
            TRY(now, core::fingerprint_of(m_base->folder()));
            if (now.config != m_fingerprint.config) {
                return Error{.code = ErrorCode::BadModel,
                             .message = fmt::format(
                                 "'{}' has changed while the run used it, and is no longer that of "
                                 "the model that was trained.",
                                 (m_base->folder() / "config.json").string()),
                             .hint = "Restore the file and continue the run."};
            }
            return save_model_folder(folder, *m_base, *m_model.parameters, stored);
        }
        return save_adapter_folder(folder, m_model.adapter, *m_model.parameters, stored,
                                   m_fingerprint);
    });
}

Result<void> DecoderEngine::save_state(const std::filesystem::path& folder) {
    return in_engine("save the run's state", [&]() -> Result<void> {
        TRY_VOID(check_ready());
        return save_trainer_state(folder, *m_model.parameters, *m_optimizer);
    });
}

Result<void> DecoderEngine::load_state(const std::filesystem::path& folder) {
    return in_engine("load the run's state", [&]() -> Result<void> {
        TRY_VOID(check_ready());
        drop_gradients();
        TRY_VOID(load_trainer_state(folder, *m_model.parameters, *m_optimizer));
        m_decoder->parameters_changed();
        return {};
    });
}

core::CheckpointBytes DecoderEngine::checkpoint_bytes() const {
    if (m_optimizer == nullptr) return {};
    const int64_t count = m_model.parameters->count();
    core::CheckpointBytes bytes;
    bytes.adapter = count * kernels::element_bytes(stored_dtype(m_recipe.adapter));
    bytes.state = count * 4;  // the float32 masters
    for (const Optimizer::State& state : m_optimizer->states()) bytes.state += state.bytes;
    return bytes;
}

int64_t DecoderEngine::device_bytes() const {
    if (m_accelerator != nullptr) return m_accelerator->arena().ledger().total_held();
    return core::resident_bytes();
}

int64_t DecoderEngine::device_bytes_peak() const {
    if (m_accelerator != nullptr) return m_accelerator->arena().ledger().total_peak();
    return core::peak_resident_bytes();
}

}  // namespace dayrun::engine
