// AdamW with float32 states over the kernels room. Both moments of all parameters lie end to end;
// the pager brings stretches of them, which need not end where a parameter does: every element is
// updated by itself. Neighbours: optimizer.h, state_pager.h.
#include <algorithm>
#include <utility>

#include "core/engine/optimizer/optimizer.h"
#include "kernels/adamw/adamw.h"

namespace dayrun::engine {
namespace {

class AdamW : public Optimizer {
  public:
    AdamW(const core::OptimizerSpec& spec, ParameterSet& parameters,
          std::unique_ptr<StatePager> pager)
        : m_spec(spec), m_parameters(parameters), m_pager(std::move(pager)) {
        const int64_t total = parameters.count();
        m_first = m_pager->make_states(total * 4);
        m_second = m_pager->make_states(total * 4);
        const int64_t limit = m_pager->piece_limit() > 0 ? m_pager->piece_limit() : total;
        for (int64_t begin = 0; begin < total; begin += limit) {
            m_pieces.push_back(piece_at(begin, std::min(limit, total - begin)));
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
        if (!m_pieces.empty()) m_pager->prefetch(0, m_pieces.front().states);
        for (size_t i = 0; i < m_pieces.size(); ++i) {
            if (i + 1 < m_pieces.size()) m_pager->prefetch(i + 1, m_pieces[i + 1].states);
            const StatePiece here = m_pager->fetched(i, m_pieces[i].states);
            std::vector<kernels::AdamwTensor> tensors = m_pieces[i].tensors;
            int64_t offset = 0;
            for (kernels::AdamwTensor& tensor : tensors) {
                tensor.m = here.m + offset;
                tensor.v = here.v + offset;
                offset += tensor.count;
            }
            kernels::adamw_step({.tensors = tensors.data(),
                                 .tensor_count = static_cast<int64_t>(tensors.size()),
                                 .step = step});
            m_pager->finish(i, m_pieces[i].states);
        }
    }

    std::vector<State> states() override {
        m_pager->settle();
        std::vector<State> states;
        int64_t offset = 0;
        for (const Parameter& parameter : m_parameters.all()) {
            const int64_t bytes = parameter.count * 4;
            states.push_back({"m." + parameter.name, core::TensorDtype::Float32, parameter.shape,
                              m_first.floats() + offset, bytes});
            states.push_back({"v." + parameter.name, core::TensorDtype::Float32, parameter.shape,
                              m_second.floats() + offset, bytes});
            offset += parameter.count;
        }
        return states;
    }

    void reset() override {
        m_pager->settle();
        m_first.fill_zero();
        m_second.fill_zero();
        m_step = 0;
    }

    int64_t step_count() const override { return m_step; }
    void set_step_count(int64_t count) override { m_step = count; }

  private:
    struct Piece {
        StatePiece states;                          // where the pager keeps them
        std::vector<kernels::AdamwTensor> tensors;  // in order; m and v are set when fetched
    };

    // The parts of parameters that lie in [begin, begin + count) of all elements.
    Piece piece_at(int64_t begin, int64_t count) {
        Piece piece{{m_first.floats() + begin, m_second.floats() + begin, count}, {}};
        int64_t offset = 0;
        for (const Parameter& parameter : m_parameters.all()) {
            const int64_t first = std::max<int64_t>(begin - offset, 0);
            const int64_t last = std::min(begin + count - offset, parameter.count);
            offset += parameter.count;
            if (first >= last) continue;
            const double decay = parameter.decays ? m_spec.weight_decay : 0.0;
            piece.tensors.push_back(
                {.param = parameter.value + first,
                 .param_copy = parameter.copy != nullptr ? parameter.copy + first : nullptr,
                 .grad = parameter.gradient + first,
                 .count = last - first,
                 .weight_decay = static_cast<float>(decay)});
        }
        return piece;
    }

    core::OptimizerSpec m_spec;
    ParameterSet& m_parameters;
    std::unique_ptr<StatePager> m_pager;
    Buffer m_first, m_second;  // moments of all parameters end to end
    std::vector<Piece> m_pieces;
    int64_t m_step = 0;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const core::OptimizerSpec& spec, ParameterSet& parameters,
                                      std::unique_ptr<StatePager> pager) {
    return std::make_unique<AdamW>(spec, parameters, std::move(pager));
}

}  // namespace dayrun::engine
