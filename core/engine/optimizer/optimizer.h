// What moves the parameters: one interface over AdamW with float32 states, the same with paged
// states, and AdamW with 8-bit states.
// Neighbours: parameters.h owns values and gradients, checkpoint.h stores the states.
// Lives on the run thread; torch-free.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/engine/model/parameters.h"
#include "core/engine/optimizer/state_pager.h"
#include "core/model/safetensors.h"
#include "core/recipe/recipe.h"
#include "kernels/step_gate/step_gate.h"

namespace dayrun::engine {

class Optimizer {
  public:
    virtual ~Optimizer() = default;
    /// One step with the gradients times the gate's clip coefficient; none where the gate says
    /// skip. The gate lies where the gradients are. The caller takes a skipped step back from the
    /// count.
    virtual void step(double learning_rate, const kernels::StepGate* gate) = 0;
    /// The states as tensors over the optimizer's own memory, to be written or read into.
    struct State {
        std::string name;
        core::TensorDtype dtype;
        std::vector<int64_t> shape;
        void* data;
        int64_t bytes;
    };
    virtual std::vector<State> states() = 0;
    /// States as at the start of a run, and no step done.
    virtual void reset() = 0;
    /// Steps done so far.
    virtual int64_t step_count() const = 0;
    virtual void set_step_count(int64_t count) = 0;
};

/// Float32 states through a pager; values do not depend on its pieces.
std::unique_ptr<Optimizer> make_adamw(const core::OptimizerSpec& spec, ParameterSet& parameters,
                                      std::unique_ptr<StatePager> pager);
/// 8-bit states in blocks; tensors under kernels::kAdamw8bitMinCount elements keep float32 ones.
std::unique_ptr<Optimizer> make_adamw8bit(const core::OptimizerSpec& spec,
                                          ParameterSet& parameters);

/// The optimizer that the recipe names. `pager` serves paged_adamw_32bit; null means in place.
std::unique_ptr<Optimizer> make_optimizer(const core::OptimizerSpec& spec, ParameterSet& parameters,
                                          std::unique_ptr<StatePager> pager = nullptr);

}  // namespace dayrun::engine
