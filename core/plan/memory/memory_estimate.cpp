// Puts the parts together and chooses the plan. Neighbour: memory_estimate.h.
#include "core/plan/memory/memory_estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/units.h"
#include "core/plan/memory/model_memory.h"
#include "core/plan/memory/working_memory.h"

namespace dayrun::core {

namespace {

// What a device holds beside the engine's blocks: the context with its kernels and libtorch's
// handles (697 to 709 MiB on an H100 with CUDA 13.0), and cuBLASLt's workspace.
constexpr int64_t kContextBytes = int64_t{720} << 20;
constexpr int64_t kWorkspaceBytes = int64_t{32} << 20;
// Paged states cross in pieces of 4 Mi elements through three slots of both moments.
constexpr int64_t kPagedSlots = 3, kPagedElements = int64_t{4} << 20;
// Dequantized weights: one in use while the next one is made.
constexpr int64_t kDequantizedSlots = 2;
// New tokens of a sample text during a run.
constexpr int64_t kSampleTokens = 128;

/// One estimate: the sums below share its parts.
class Estimator {
  public:
    Estimator(const ModelConfig& config, const Recipe& recipe, const MemoryInputs& inputs,
              const ModelMemory& model)
        : m_config(config),
          m_recipe(recipe),
          m_inputs(inputs),
          m_model(model),
          m_working(config, recipe, inputs, model) {
        for (size_t i = 0; i < model.layers.size(); ++i) {
            const bool is_reached = static_cast<int64_t>(i) >= model.lowest_layer;
            const double attended = static_cast<double>(inputs.train.longest_document) / 2;
            m_choices.push_back(is_reached ? layer_choice(model.layers[i], inputs.train.tokens,
                                                          model.value_bytes, attended)
                                           : LayerChoice{});
        }
    }

    MemoryEstimate run();

  private:
    bool is_cuda() const { return m_inputs.device == PlanDevice::Cuda; }
    bool is_paged() const {
        return is_cuda() && m_recipe.optimizer.name == OptimizerName::PagedAdamW32bit;
    }
    int64_t buffer_bytes() const;
    int64_t logits_bytes() const;
    int64_t cache_bytes() const;
    int64_t libtorch_bytes() const { return is_cuda() ? 0 : m_inputs.libtorch_bytes; }
    int64_t fixed_bytes() const;
    ActivationPlan plan() const;
    double forward_cost() const;
    void add(MemoryEstimate& estimate, MemoryPart part, int64_t bytes, std::string basis) const;
    void add_model(MemoryEstimate& estimate) const;
    void add_batch(MemoryEstimate& estimate) const;

    const ModelConfig& m_config;
    const Recipe& m_recipe;
    const MemoryInputs& m_inputs;
    const ModelMemory& m_model;
    WorkingMemory m_working;
    std::vector<LayerChoice> m_choices;  // empty sums below the lowest trained layer
};

int64_t Estimator::logits_bytes() const {
    // A validation takes a whole chunk, training as many rows as there are.
    const int64_t chunk = logits_chunk_rows(m_config.vocab_size);
    const int64_t rows =
        m_inputs.eval.targets > 0 ? chunk : std::min(chunk, m_inputs.train.targets);
    return block_bytes(rows * m_config.vocab_size * m_model.value_bytes);
}

int64_t Estimator::buffer_bytes() const {
    const int64_t positions =
        std::max(m_inputs.train.longest_document, m_inputs.eval.longest_document);
    int64_t sum = 2 * block_bytes(positions * m_config.rotary_dim / 2 * 4);
    if (!is_cuda()) {
        sum += block_bytes(m_inputs.train.tokens * m_working.copied_width() * m_model.value_bytes);
    }
    if (is_cuda()) {
        sum += kDequantizedSlots * block_bytes(m_model.largest_linear * m_model.value_bytes) +
               kWorkspaceBytes;
    }
    return sum;
}

// Keys and values of one sample text, prompt and reply.
int64_t Estimator::cache_bytes() const {
    if (m_recipe.eval.prompts.empty()) return 0;
    const int64_t tokens = m_inputs.train.longest_document + kSampleTokens;
    return 2 * m_config.num_hidden_layers *
           block_bytes(tokens * m_config.kv_size() * m_model.value_bytes);
}

int64_t Estimator::fixed_bytes() const {
    const int64_t states = is_paged()
                               ? std::min(m_model.state_bytes, kPagedSlots * kPagedElements * 8)
                               : m_model.state_bytes;
    const int64_t overhead = m_inputs.overhead_bytes.value_or(is_cuda() ? kContextBytes : 0);
    return m_model.weight_bytes + m_model.constant_bytes + m_model.adapter_bytes +
           m_model.gradient_bytes + states + logits_bytes() + buffer_bytes() + cache_bytes() +
           libtorch_bytes() + overhead;
}

ActivationPlan Estimator::plan() const {
    if (m_inputs.plan) return *m_inputs.plan;
    ActivationPlan all(m_choices.size(), Keep::Everything);
    if (!m_inputs.limit_bytes) return all;
    // Holes between a device's blocks took 0.6 to 1.3 % of the memory of both winning recipes.
    const int64_t holes = is_cuda() ? *m_inputs.limit_bytes / 75 : 0;
    const int64_t left = *m_inputs.limit_bytes - fixed_bytes() - holes;
    if (kept_bytes(m_choices, all) + m_working.bytes(all) <= left) return all;
    // As soon as one layer drops something, its place is in the shared set.
    const ActivationPlan least(m_choices.size(), Keep::InputOnly);
    return choose_plan(m_choices, left - m_working.bytes(least),
                       is_cuda() ? Offloading::WhenNeeded : Offloading::Never);
}

// Of one forward, in the unit of LayerChoice::cost.
double Estimator::forward_cost() const {
    double sum = 0;
    for (const LayerShape& shape : m_model.layers) {
        const LayerChoice choice =
            layer_choice(shape, m_inputs.train.tokens, m_model.value_bytes,
                         static_cast<double>(m_inputs.train.longest_document) / 2);
        const auto down =
            static_cast<double>(shape.intermediate * shape.hidden +
                                shape.down_rank * (shape.intermediate + shape.hidden));
        sum += choice.cost[static_cast<size_t>(Keep::InputOnly)] +
               2.0 * static_cast<double>(m_inputs.train.tokens) * down;
    }
    return sum;
}

void Estimator::add(MemoryEstimate& estimate, MemoryPart part, int64_t bytes,
                    std::string basis) const {
    estimate.parts.push_back({part, std::string(to_string(part)), bytes, std::move(basis)});
    estimate.total_bytes += bytes;
}

void Estimator::add_model(MemoryEstimate& estimate) const {
    const std::string trained = format_count(m_model.trained_count);
    add(estimate, MemoryPart::Weights, m_model.weight_bytes,
        m_model.is_full
            ? std::string("all weights are trained: see adapters")
            : fmt::format("{} parameters of the base{}", format_count(m_model.parameter_count),
                          m_model.is_quantized ? ", the layers' weights in 4 bits" : ""));
    add(estimate, MemoryPart::Constants, m_model.constant_bytes,
        m_model.is_quantized ? "block maxima of the 4-bit weights" : "nothing is quantized");
    add(estimate, MemoryPart::Adapters, m_model.adapter_bytes,
        fmt::format("{} trained parameters{}{}", trained,
                    m_model.is_full ? std::string()
                                    : fmt::format(" in {} modules", m_model.adapted_modules),
                    m_model.value_bytes == 2 ? ", float32 and a bfloat16 copy" : ", float32"));
    add(estimate, MemoryPart::Gradients, m_model.gradient_bytes,
        "float32, one a trained parameter");
    const bool is_8bit = m_recipe.optimizer.name == OptimizerName::AdamW8bit;
    int64_t states = m_model.state_bytes;
    std::string basis = is_8bit ? "two 8-bit moments a trained parameter"
                                : "two float32 moments a trained parameter";
    if (is_paged()) {
        estimate.host_bytes += states;
        states = std::min(states, kPagedSlots * kPagedElements * 8);
        basis = fmt::format("a ring for the moments, {} of them in the host's memory",
                            format_bytes(m_model.state_bytes));
    }
    add(estimate, MemoryPart::Optimizer, states, std::move(basis));
}

void Estimator::add_batch(MemoryEstimate& estimate) const {
    const ActivationPlan& plan = estimate.plan;
    const std::string tokens = format_count(m_inputs.train.tokens);
    add(estimate, MemoryPart::Activations, kept_bytes(m_choices, plan),
        fmt::format("{}; {} tokens a micro-batch", plan_text(plan), tokens));
    add(estimate, MemoryPart::Working, m_working.bytes(plan),
        "one layer at work, forward and backward");
    add(estimate, MemoryPart::Logits, logits_bytes(),
        fmt::format("a chunk of {} positions",
                    format_count(logits_chunk_rows(m_config.vocab_size))));
    add(estimate, MemoryPart::Buffers, buffer_bytes(),
        is_cuda() && m_model.is_quantized ? "rotary tables, dequantized weights and workspace"
                                          : "rotary tables and workspace");
    add(estimate, MemoryPart::Cache, cache_bytes(),
        m_recipe.eval.prompts.empty() ? "no text is generated" : "of one sample text, at most");
    add(estimate, MemoryPart::Libtorch, libtorch_bytes(),
        is_cuda() ? "not on the card" : "libtorch, once");
    const int64_t overhead = m_inputs.overhead_bytes.value_or(is_cuda() ? kContextBytes : 0);
    add(estimate, MemoryPart::Overhead, overhead,
        is_cuda()                 ? "the card's context, a constant"
        : m_inputs.overhead_bytes ? "the process itself, measured"
                                  : "the process itself, not measured yet");
}

MemoryEstimate Estimator::run() {
    MemoryEstimate estimate;
    estimate.parameter_count = m_model.parameter_count;
    estimate.trained_parameter_count = m_model.trained_count;
    estimate.micro_batch_tokens = m_inputs.train.tokens;
    estimate.state_bytes = m_model.state_bytes;
    estimate.plan = plan();
    estimate.recompute_ratio = recompute_cost(m_choices, estimate.plan) / forward_cost();
    for (size_t i = 0; i < m_choices.size(); ++i) {
        if (estimate.plan[i] != Keep::Offload) continue;
        estimate.host_bytes += m_choices[i].bytes[static_cast<size_t>(Keep::InputOnly)] -
                               m_choices[i].bytes[static_cast<size_t>(Keep::Offload)];
    }
    add_model(estimate);
    add_batch(estimate);
    return estimate;
}

}  // namespace

BatchExtent full_extent(const Recipe& recipe) {
    int64_t document = recipe.sample_limit();
    if (recipe.tokens.max_prompt_tokens && recipe.tokens.max_response_tokens) {
        document = std::min(document,
                            *recipe.tokens.max_prompt_tokens + *recipe.tokens.max_response_tokens);
    }
    const int64_t row = recipe.tokens.packing ? recipe.tokens.max_seq_len : document;
    const int64_t tokens = row * recipe.batch.micro_batch_size;
    return {tokens, std::min(row, document), tokens};
}

Result<MemoryEstimate> estimate_memory(const ModelConfig& config, const Recipe& recipe,
                                       const MemoryInputs& inputs) {
    TRY(model, model_memory(config, recipe, inputs.device == PlanDevice::Cuda));
    return Estimator(config, recipe, inputs, model).run();
}

}  // namespace dayrun::core
