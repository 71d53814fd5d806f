// The mix as a view: what each source gives to an epoch under the draft's weights, from the counts
// of prepared data. Nothing is read or tokenized, so it answers while a slider moves. Plain
// functions: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/compile/cache/compiled_data.h"
#include "core/recipe/recipe.h"

namespace dayrun::ui {

/// One source in the mix.
struct MixShare {
    std::string name;
    bool is_in_mix = true;  // false: its rows are validation or test only
    int64_t rows = 0;       // different train rows
    int64_t rows_per_epoch = 0;
    int64_t tokens_per_epoch = 0;
    int64_t trained_tokens_per_epoch = 0;
    double share = 0;             // of the epoch, by mix.by
    double effective_epochs = 0;  // times an average row is seen in the whole run
    int64_t unique_rows = 0;      // different rows that the whole run meets
};

struct LiveMix {
    std::vector<MixShare> sources;  // one a source of the recipe
    int64_t rows_per_epoch = 0;
    int64_t tokens_per_epoch = 0;
    int64_t trained_tokens_per_epoch = 0;
    std::vector<std::string> warnings;
    std::string problem;  // not empty: the weights cannot be mixed, and why
};

/// `reports` are those of the same sources in the same order.
LiveMix liveMix(const core::Recipe& recipe, const std::vector<core::SourceReport>& reports);

/// Whether any training source has a weight: the mix is by weights then, else by copies.
bool isMixedByWeight(const core::Recipe& recipe);
/// Whether a source's rows are trained on.
bool isTrainedOn(const core::DataSpec& spec);

}  // namespace dayrun::ui
