// Data once, then one model after the other. Neighbour: merge_losses.h.
#include "app/merge_losses.h"

#include "app/wiring.h"
#include "core/compile/cache/data_compiler.h"
#include "core/evaluate/held_out_loss.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::app {

core::Result<MergeLosses> measure_merges(const CommonOptions& common, const core::Recipe& recipe,
                                         const std::filesystem::path& cache_folder,
                                         const std::filesystem::path& adapter,
                                         const std::vector<MergedModel>& models) {
    TRY(device, choose_device(common));
    std::unique_ptr<core::Tokenizer> tokenizer;
    if (core::needs_tokenizer(recipe)) {
        TRY(opened, core::open_tokenizer(recipe.resolved(recipe.base.path)));
        tokenizer = std::move(opened);
    }
    TRY(data, core::compile_data(recipe, tokenizer.get(), cache_folder));
    MergeLosses losses;
    if (data->validation_rows() == 0) return losses;
    const core::EngineFactory make_engine = engine_factory();
    TRY(unmerged, core::unmerged_loss(make_engine, device, recipe, *data, adapter));
    losses.target_tokens = unmerged.target_tokens;
    losses.unmerged = unmerged.loss;
    for (const MergedModel& model : models) {
        TRY(merged, core::merged_loss(make_engine, device, recipe, *data, model.folder));
        losses.merged.emplace_back(model.name, merged.loss);
    }
    return losses;
}

}  // namespace dayrun::app
