// One evaluation of all held-out micro-batches. Neighbour: held_out_loss.h.
#include "core/evaluate/held_out_loss.h"

namespace dayrun::core {

Result<HeldOutLoss> held_out_loss(Engine& engine, const Recipe& recipe, const CompiledData& data) {
    TRY(batches, data.validation_batches(recipe.eval.rows.value_or(0)));
    TRY(sums, engine.evaluate(batches, recipe.data.size()));
    HeldOutLoss result{.target_tokens = sums.total.target_tokens};
    if (result.target_tokens > 0) {
        result.loss = sums.total.loss_sum / static_cast<double>(result.target_tokens);
    }
    return result;
}

Result<HeldOutLoss> unmerged_loss(const EngineFactory& make_engine, const Device& device,
                                  const Recipe& recipe, const CompiledData& data,
                                  const std::filesystem::path& adapter) {
    TRY(engine, make_engine(device));
    Recipe own = recipe;
    own.adapter.init_from = std::filesystem::absolute(adapter).string();
    TRY(model, engine->prepare(own));
    return held_out_loss(*engine, recipe, data);
}

Result<HeldOutLoss> merged_loss(const EngineFactory& make_engine, const Device& device,
                                const Recipe& recipe, const CompiledData& data,
                                const std::filesystem::path& model) {
    TRY(engine, make_engine(device));
    Recipe own = recipe;
    own.base.path = std::filesystem::absolute(model).string();
    own.quantization = {};
    TRY(opened, engine->prepare_base(own));
    return held_out_loss(*engine, recipe, data);
}

}  // namespace dayrun::core
