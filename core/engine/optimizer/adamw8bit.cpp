// AdamW with 8-bit states in blocks, as bitsandbytes keeps them: a tensor of fewer elements than
// its smallest 8-bit one has float32 states. State names are those of its state dict.
// Neighbours: optimizer.h, kernels/adamw8bit.
#include <utility>

#include "core/engine/optimizer/optimizer.h"
#include "kernels/adamw8bit/adamw8bit.h"

namespace dayrun::engine {
namespace {

class AdamW8bit : public Optimizer {
  public:
    AdamW8bit(const core::OptimizerSpec& spec, ParameterSet& parameters) : m_spec(spec) {
        for (const Parameter& parameter : parameters.all()) {
            const double decay = parameter.decays ? spec.weight_decay : 0.0;
            if (parameter.count < kernels::kAdamw8bitMinCount) {
                add_small(parameter, static_cast<float>(decay));
            } else {
                add_large(parameter, static_cast<float>(decay));
            }
        }
    }

    void step(double learning_rate, const kernels::StepGate* gate) override {
        ++m_step;
        const kernels::AdamwStep step{.learning_rate = learning_rate,
                                      .beta1 = m_spec.beta1,
                                      .beta2 = m_spec.beta2,
                                      .eps = m_spec.eps,
                                      .step = m_step,
                                      .grad_scale = &gate->clip,
                                      .skip = &gate->skip};
        kernels::adamw8bit_step({.tensors = m_large.data(),
                                 .tensor_count = static_cast<int64_t>(m_large.size()),
                                 .step = step});
        kernels::adamw_step({.tensors = m_small.data(),
                             .tensor_count = static_cast<int64_t>(m_small.size()),
                             .step = step});
    }

    std::vector<State> states() override { return m_states; }

    void reset() override {
        for (Buffer& buffer : m_buffers) buffer.fill_zero();
        m_step = 0;
    }

    int64_t step_count() const override { return m_step; }
    void set_step_count(int64_t count) override { m_step = count; }

  private:
    // New states are zero: codes 0 with maxima 0, or zeros.
    void* add_state(const std::string& name, core::TensorDtype dtype, std::vector<int64_t> shape,
                    int64_t bytes) {
        Buffer& buffer = m_buffers.emplace_back(bytes, MemoryPart::Optimizer);
        buffer.fill_zero();
        m_states.push_back({name, dtype, std::move(shape), buffer.data(), bytes});
        return buffer.data();
    }

    float* add_floats(const std::string& name, std::vector<int64_t> shape, int64_t count) {
        return static_cast<float*>(
            add_state(name, core::TensorDtype::Float32, std::move(shape), count * 4));
    }

    void add_small(const Parameter& parameter, float decay) {
        m_small.push_back({.param = parameter.value,
                           .m = add_floats("m." + parameter.name, parameter.shape, parameter.count),
                           .v = add_floats("v." + parameter.name, parameter.shape, parameter.count),
                           .param_copy = parameter.copy,
                           .grad = parameter.gradient,
                           .count = parameter.count,
                           .weight_decay = decay});
    }

    void add_large(const Parameter& parameter, float decay) {
        const int64_t blocks =
            (parameter.count + kernels::kAdamw8bitBlockSize - 1) / kernels::kAdamw8bitBlockSize;
        const auto codes = [&](const char* state) {
            return static_cast<uint8_t*>(add_state(state + parameter.name, core::TensorDtype::UInt8,
                                                   parameter.shape, parameter.count));
        };
        m_large.push_back({.param = parameter.value,
                           .state1 = codes("state1."),
                           .state2 = codes("state2."),
                           .absmax1 = add_floats("absmax1." + parameter.name, {blocks}, blocks),
                           .absmax2 = add_floats("absmax2." + parameter.name, {blocks}, blocks),
                           .param_copy = parameter.copy,
                           .grad = parameter.gradient,
                           .count = parameter.count,
                           .weight_decay = decay});
    }

    core::OptimizerSpec m_spec;
    std::vector<Buffer> m_buffers;
    std::vector<State> m_states;
    std::vector<kernels::Adamw8bitTensor> m_large;
    std::vector<kernels::AdamwTensor> m_small;
    int64_t m_step = 0;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw8bit(const core::OptimizerSpec& spec,
                                          ParameterSet& parameters) {
    return std::make_unique<AdamW8bit>(spec, parameters);
}

}  // namespace dayrun::engine
