// What moves the parameters: one interface, so that 8-bit and paged optimizers fit beside AdamW.
// Neighbours: parameters.h owns values and gradients, checkpoint.h stores the states.
// Lives on the run thread; torch-free.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/engine/model/parameters.h"
#include "core/model/safetensors.h"
#include "core/recipe/recipe.h"

namespace dayrun::engine {

class Optimizer {
  public:
    virtual ~Optimizer() = default;
    /// One step with the gradients times grad_scale (the clip coefficient).
    virtual void step(double learning_rate, float grad_scale) = 0;
    /// The states as tensors over the optimizer's own memory, to be written or read into.
    struct State {
        std::string name;
        core::TensorDtype dtype;
        std::vector<int64_t> shape;
        void* data;
        int64_t bytes;
    };
    virtual std::vector<State> states() = 0;
    /// Steps done so far.
    virtual int64_t step_count() const = 0;
    virtual void set_step_count(int64_t count) = 0;
};

/// Unsupported for a name that is not implemented.
core::Result<std::unique_ptr<Optimizer>> make_optimizer(const core::OptimizerSpec& spec,
                                                        ParameterSet& parameters);

}  // namespace dayrun::engine
