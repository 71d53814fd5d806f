// Shares, repeats and the order of rows. Neighbour: data_compiler. Any thread.
#include "core/data/curate/mix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/rng.h"
#include "core/base/units.h"

namespace dayrun::core {
namespace {

/// What one row of a source weighs in the mix's unit.
double row_size(const MixSource& source, const MixSpec& spec) {
    return spec.by == MixBy::Rows ? 1.0 : source.mean_trained_tokens;
}

/// The most that a source may give to an epoch, in rows.
double most_rows(const MixSource& source, const MixSpec& spec) {
    return std::max(spec.max_repeats, 0.0) * static_cast<double>(source.rows * source.copies);
}

Result<void> check_weights(const std::vector<MixSource>& sources) {
    double sum = 0;
    for (const MixSource& source : sources) {
        if (!source.weight) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The source '{}' has no weight although another "
                                                "one has.",
                                                source.name),
                         .hint = "Give every training source a weight, or none."};
        }
        sum += *source.weight;
    }
    if (sum > 0) return {};
    return Error{.code = ErrorCode::BadRecipe,
                 .message = "The weights of the data sources add up to 0.",
                 .hint = "Give at least one source a weight above 0."};
}

/// Sets rows_per_epoch by weights.
void weigh(const std::vector<MixSource>& sources, const MixSpec& spec, MixPlan& plan) {
    double weight_sum = 0;
    for (const MixSource& source : sources) weight_sum += *source.weight;
    double size = spec.rows ? static_cast<double>(*spec.rows) : std::numeric_limits<double>::max();
    if (!spec.rows) {
        for (const MixSource& source : sources) {
            if (*source.weight <= 0) continue;
            const double reach = most_rows(source, spec) * row_size(source, spec) * weight_sum;
            size = std::min(size, reach / *source.weight);
        }
    }
    for (size_t i = 0; i < sources.size(); ++i) {
        const MixSource& source = sources[i];
        const double unit = row_size(source, spec);
        const double share = *source.weight / weight_sum * size;
        const double wanted = unit > 0 ? share / unit : 0.0;
        const double most = most_rows(source, spec);
        plan.rows_per_epoch[i] = std::llround(std::min(wanted, most));
        if (wanted > most + 0.5) {
            plan.missing_rows[i] = std::llround(wanted) - plan.rows_per_epoch[i];
            plan.warnings.push_back(fmt::format(
                "'{}' gives {} of the {} rows its weight asks for: repeats are capped at {}.",
                source.name, format_count(plan.rows_per_epoch[i]),
                format_count(std::llround(wanted)), shortest(spec.max_repeats)));
        }
    }
}

}  // namespace

Result<MixPlan> plan_mix(const std::vector<MixSource>& sources, const MixSpec& spec) {
    MixPlan plan;
    plan.rows_per_epoch.assign(sources.size(), 0);
    plan.missing_rows.assign(sources.size(), 0);
    const bool has_weights =
        std::any_of(sources.begin(), sources.end(),
                    [](const MixSource& source) { return source.weight.has_value(); });
    if (has_weights) {
        TRY_VOID(check_weights(sources));
        weigh(sources, spec, plan);
    } else {
        if (spec.rows) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = "mix.rows needs a weight for every training source.",
                         .hint = "Give weights, or use take or mix.fraction."};
        }
        for (size_t i = 0; i < sources.size(); ++i) {
            plan.rows_per_epoch[i] = sources[i].rows * sources[i].copies;
        }
    }
    for (int64_t& rows : plan.rows_per_epoch) {
        rows = static_cast<int64_t>(std::floor(static_cast<double>(rows) * spec.fraction + 1e-9));
    }
    return plan;
}

std::vector<MixFigures> mix_figures(const std::vector<MixSource>& sources, const MixPlan& plan,
                                    const MixSpec& spec, double epochs) {
    std::vector<MixFigures> figures(sources.size());
    double epoch_size = 0;
    for (size_t i = 0; i < sources.size(); ++i) {
        MixFigures& figure = figures[i];
        const auto rows = static_cast<double>(plan.rows_per_epoch[i]);
        figure.rows_per_epoch = plan.rows_per_epoch[i];
        figure.missing_rows = plan.missing_rows[i];
        figure.trained_tokens_per_epoch = std::llround(rows * sources[i].mean_trained_tokens);
        figure.share = rows * row_size(sources[i], spec);
        epoch_size += figure.share;
        if (sources[i].rows == 0) continue;
        figure.effective_epochs = rows * epochs / static_cast<double>(sources[i].rows);
        // Shuffled epochs go on where the last one stopped; in file order each starts anew.
        const double used = spec.shuffle ? rows * epochs : rows * std::min(epochs, 1.0);
        figure.effective_unique_rows =
            std::min<int64_t>(sources[i].rows, static_cast<int64_t>(std::ceil(used - 1e-9)));
    }
    for (MixFigures& figure : figures) {
        if (epoch_size > 0) figure.share /= epoch_size;
    }
    return figures;
}

std::vector<uint32_t> mix_rows(const std::string& source, uint32_t rows, int64_t rows_per_epoch,
                               int64_t epoch, uint64_t seed, bool shuffle) {
    std::vector<uint32_t> chosen;
    if (rows == 0 || rows_per_epoch <= 0) return chosen;
    chosen.reserve(static_cast<size_t>(rows_per_epoch));
    const int64_t begin = shuffle ? epoch * rows_per_epoch : 0;
    const int64_t end = begin + rows_per_epoch;
    for (int64_t pass = begin / rows; pass * rows < end; ++pass) {
        std::vector<uint32_t> order;
        if (shuffle) order = permutation(rows, seed, fmt::format("mix/{}/{}", source, pass));
        const int64_t first = std::max<int64_t>(begin - pass * rows, 0);
        const int64_t last = std::min<int64_t>(end - pass * rows, rows);
        for (int64_t i = first; i < last; ++i) {
            chosen.push_back(shuffle ? order[static_cast<size_t>(i)] : static_cast<uint32_t>(i));
        }
    }
    return chosen;
}

}  // namespace dayrun::core
