// Neighbours: core/data/curate/mix.h plans, stages/data/mix_page.cpp shows.
#include "ui/models/live_mix.h"

#include <algorithm>
#include <cmath>

#include "core/data/curate/mix.h"
#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

double perRow(int64_t sum, int64_t rows) {
    return rows > 0 ? static_cast<double>(sum) / static_cast<double>(rows) : 0.0;
}

int64_t scaled(double per_row, int64_t rows) {
    return std::llround(per_row * static_cast<double>(rows));
}

void addSums(LiveMix& mix, const core::Recipe& recipe) {
    double size = 0;
    for (MixShare& source : mix.sources) {
        source.share = recipe.mix.by == core::MixBy::Rows
                           ? static_cast<double>(source.rows_per_epoch)
                           : static_cast<double>(source.trained_tokens_per_epoch);
        size += source.share;
        mix.rows_per_epoch += source.rows_per_epoch;
        mix.tokens_per_epoch += source.tokens_per_epoch;
        mix.trained_tokens_per_epoch += source.trained_tokens_per_epoch;
    }
    for (MixShare& source : mix.sources) {
        if (size > 0) source.share /= size;
    }
}

}  // namespace

bool isTrainedOn(const core::DataSpec& spec) {
    return spec.use == core::SourceUse::BySplit || spec.use == core::SourceUse::Train;
}

bool isMixedByWeight(const core::Recipe& recipe) {
    return std::any_of(recipe.data.begin(), recipe.data.end(), [](const core::DataSpec& spec) {
        return isTrainedOn(spec) && spec.weight.has_value();
    });
}

LiveMix liveMix(const core::Recipe& recipe, const std::vector<core::SourceReport>& reports) {
    LiveMix mix;
    std::vector<core::MixSource> mixed;
    std::vector<size_t> indices;
    for (size_t i = 0; i < recipe.data.size(); ++i) {
        const core::DataSpec& spec = recipe.data[i];
        MixShare share;
        share.name = spec.name;
        share.is_in_mix = isTrainedOn(spec);
        if (i < reports.size()) share.rows = reports[i].train_rows;
        if (share.is_in_mix && i < reports.size()) {
            mixed.push_back({.name = spec.name,
                             .rows = share.rows,
                             .copies = spec.copies,
                             .weight = spec.weight,
                             .mean_trained_tokens = perRow(reports[i].trained_tokens, share.rows)});
            indices.push_back(i);
        }
        mix.sources.push_back(std::move(share));
    }
    const auto plan = core::plan_mix(mixed, recipe.mix);
    if (!plan.ok()) {
        mix.problem = plan.error().text();
        return mix;
    }
    mix.warnings = plan->warnings;
    for (size_t k = 0; k < indices.size(); ++k) {
        const core::SourceReport& report = reports[indices[k]];
        MixShare& share = mix.sources[indices[k]];
        share.rows_per_epoch = plan->rows_per_epoch[k];
        share.tokens_per_epoch = scaled(perRow(report.tokens, share.rows), share.rows_per_epoch);
        share.trained_tokens_per_epoch =
            scaled(perRow(report.trained_tokens, share.rows), share.rows_per_epoch);
        const double seen = static_cast<double>(share.rows_per_epoch) * recipe.batch.epochs;
        if (share.rows > 0) share.effective_epochs = seen / static_cast<double>(share.rows);
        // Epochs go on where the last one stopped, so a row comes again only when all have been.
        share.unique_rows = std::min<int64_t>(share.rows, std::llround(seen));
    }
    addSums(mix, recipe);
    return mix;
}

}  // namespace dayrun::ui
