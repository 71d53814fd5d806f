// AdamW in float32 over the kernels room. paged_adamw_32bit is the same arithmetic: on a CPU there
// is nowhere to page to. Neighbour: optimizer.h.
#include <utility>

#include "core/engine/optimizer/optimizer.h"
#include "kernels/adamw/adamw.h"

namespace dayrun::engine {
namespace {

class AdamW : public Optimizer {
  public:
    AdamW(const core::OptimizerSpec& spec, ParameterSet& parameters)
        : m_spec(spec), m_parameters(parameters) {
        int64_t total = 0;
        for (const Parameter& parameter : parameters.all()) total += parameter.count;
        m_first = Buffer(total * 4, MemoryPart::Optimizer);
        m_second = Buffer(total * 4, MemoryPart::Optimizer);
        m_first.fill_zero();
        m_second.fill_zero();
        int64_t offset = 0;
        for (const Parameter& parameter : parameters.all()) {
            const double decay = parameter.decays ? spec.weight_decay : 0.0;
            m_tensors.push_back({.param = parameter.value,
                                 .m = m_first.floats() + offset,
                                 .v = m_second.floats() + offset,
                                 .param_copy = parameter.copy,
                                 .grad = parameter.gradient,
                                 .count = parameter.count,
                                 .weight_decay = static_cast<float>(decay)});
            offset += parameter.count;
        }
    }

    void step(double learning_rate, float grad_scale) override {
        ++m_step;
        kernels::adamw_step(m_tensors.data(), static_cast<int64_t>(m_tensors.size()),
                            {.learning_rate = learning_rate,
                             .beta1 = m_spec.beta1,
                             .beta2 = m_spec.beta2,
                             .eps = m_spec.eps,
                             .step = m_step,
                             .grad_scale = &grad_scale});
    }

    std::vector<State> states() override {
        std::vector<State> states;
        size_t i = 0;
        for (const Parameter& parameter : m_parameters.all()) {
            const kernels::AdamwTensor& tensor = m_tensors[i++];
            const int64_t bytes = parameter.count * 4;
            states.push_back({"m." + parameter.name, core::TensorDtype::Float32, parameter.shape,
                              tensor.m, bytes});
            states.push_back({"v." + parameter.name, core::TensorDtype::Float32, parameter.shape,
                              tensor.v, bytes});
        }
        return states;
    }

    int64_t step_count() const override { return m_step; }
    void set_step_count(int64_t count) override { m_step = count; }

  private:
    core::OptimizerSpec m_spec;
    ParameterSet& m_parameters;
    Buffer m_first, m_second;
    std::vector<kernels::AdamwTensor> m_tensors;
    int64_t m_step = 0;
};

}  // namespace

core::Result<std::unique_ptr<Optimizer>> make_optimizer(const core::OptimizerSpec& spec,
                                                        ParameterSet& parameters) {
    if (spec.name == core::OptimizerName::AdamW8bit) {
        return core::Error{.code = core::ErrorCode::Unsupported,
                           .message = "optimizer.name: adamw_8bit is not implemented yet.",
                           .hint = "Use adamw; its states take 8 bytes per trained parameter."};
    }
    return std::unique_ptr<Optimizer>(std::make_unique<AdamW>(spec, parameters));
}

}  // namespace dayrun::engine
