// How many rows of each source an epoch uses, and which. A view over row numbers: changing a weight
// reads nothing and tokenizes nothing. Plain functions: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

/// A source as the mix sees it: train rows behind split and take.
struct MixSource {
    std::string name;
    int64_t rows = 0;
    int64_t copies = 1;
    std::optional<double> weight;
    double mean_trained_tokens = 0;  // of one row, for mix.by trained_tokens
};

struct MixPlan {
    std::vector<int64_t> rows_per_epoch;  // one a source
    std::vector<int64_t> missing_rows;    // that its weight asks for and the cap on repeats denies
    std::vector<std::string> warnings;    // shares that could not be reached
};

/// What the mix makes of one source.
struct MixFigures {
    int64_t rows_per_epoch = 0;
    int64_t trained_tokens_per_epoch = 0;
    double share = 0;                   // of the epoch, by mix.by
    double effective_epochs = 0;        // times an average row is seen in all epochs
    int64_t effective_unique_rows = 0;  // different rows that are seen in all epochs
    int64_t missing_rows = 0;           // an epoch is short of, see MixPlan
};

/// Without weights: every row times copies. With weights (all sources need one): the epoch has
/// mix.rows rows or trained tokens; where that is empty, the largest size at which no source
/// repeats more than max_repeats times. A source short of its share repeats up to that cap, the
/// rest is left out with a warning. Then the final fraction, rounded down per source.
Result<MixPlan> plan_mix(const std::vector<MixSource>& sources, const MixSpec& spec);

/// The figures of a plan, for the mix editor and the report; microseconds, whatever the row count.
std::vector<MixFigures> mix_figures(const std::vector<MixSource>& sources, const MixPlan& plan,
                                    const MixSpec& spec, double epochs);

/// Which rows epoch `epoch` takes of a source with `rows` rows: the endless sequence of passes over
/// all rows, each pass in an order of its own by (seed, source, pass), cut into epochs of
/// `rows_per_epoch`. So an epoch smaller than the source goes on where the last one stopped.
/// Without shuffling every pass, and every epoch, is in file order from the first row.
std::vector<uint32_t> mix_rows(const std::string& source, uint32_t rows, int64_t rows_per_epoch,
                               int64_t epoch, uint64_t seed, bool shuffle);

}  // namespace dayrun::core
