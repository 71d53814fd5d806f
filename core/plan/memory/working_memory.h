// The working memory of one layer at a time and of the head: what all layers share for what the
// plan drops, the scratch of attention and of the linear modules, and the block that phases use in
// turn. Neighbours: layer_memory.h has the widths, memory_estimate.cpp adds up the parts. Plain
// values: any thread.
#pragma once

#include "core/plan/memory/memory_estimate.h"
#include "core/plan/memory/model_memory.h"

namespace dayrun::core {

class WorkingMemory {
  public:
    /// Keeps references to all four.
    WorkingMemory(const ModelConfig& config, const Recipe& recipe, const MemoryInputs& inputs,
                  const ModelMemory& model)
        : m_config(config), m_recipe(recipe), m_inputs(inputs), m_model(model) {}

    /// Bytes of the part "working" under this plan.
    int64_t bytes(const ActivationPlan& plan) const;
    /// Columns of the widest operand that a product on a CPU copies, 0 when none does.
    int64_t copied_width() const;

  private:
    bool is_cuda() const { return m_inputs.device == PlanDevice::Cuda; }
    int64_t compute_bytes() const {
        const DtypeChoice chosen = m_recipe.quantization.compute_dtype;
        return chosen == DtypeChoice::Auto ? m_model.value_bytes
                                           : (chosen == DtypeChoice::BFloat16 ? 2 : 4);
    }
    /// Whether inputs and results of products with NF4 weights change their type on the way.
    bool casts_for_weights() const {
        return m_model.is_quantized && compute_bytes() != m_model.value_bytes;
    }
    int64_t shared_saved_bytes(const ActivationPlan& plan) const;
    int64_t phases_bytes() const;
    int64_t attention_bytes() const;
    int64_t flash_bytes() const;
    int64_t linear_bytes() const;
    bool reaches_qkv() const;
    bool multiplies_narrow() const;

    const ModelConfig& m_config;
    const Recipe& m_recipe;
    const MemoryInputs& m_inputs;
    const ModelMemory& m_model;
};

}  // namespace dayrun::core
