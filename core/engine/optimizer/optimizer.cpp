// The choice by name. Neighbours: adamw.cpp, adamw8bit.cpp.
#include "core/engine/optimizer/optimizer.h"

#include <utility>

namespace dayrun::engine {

std::unique_ptr<Optimizer> make_optimizer(const core::OptimizerSpec& spec, ParameterSet& parameters,
                                          std::unique_ptr<StatePager> pager) {
    switch (spec.name) {
        case core::OptimizerName::AdamW8bit:
            return make_adamw8bit(spec, parameters);
        case core::OptimizerName::PagedAdamW32bit:
            if (pager != nullptr) return make_adamw(spec, parameters, std::move(pager));
            break;
        case core::OptimizerName::AdamW:
            break;
    }
    return make_adamw(spec, parameters, in_place_pager());
}

}  // namespace dayrun::engine
