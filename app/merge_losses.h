// What merging cost: the validation loss of merged models beside that of base and adapter unmerged,
// for the report of an export. Neighbour: core/evaluate/held_out_loss.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/command.h"
#include "core/base/result.h"
#include "core/recipe/recipe.h"

namespace dayrun::app {

/// A merged model, as the report calls it, and its folder.
struct MergedModel {
    std::string name;
    std::filesystem::path folder;
};

struct MergeLosses {
    int64_t target_tokens = 0;  // of the held-out rows; 0: there are none, and nothing was measured
    double unmerged = 0;        // nats
    std::vector<std::pair<std::string, double>> merged;  // name, nats
};

/// `recipe` is the run's own; its data are compiled again, mostly from the caches. Opens one model
/// after the other.
core::Result<MergeLosses> measure_merges(const CommonOptions& common, const core::Recipe& recipe,
                                         const std::filesystem::path& cache_folder,
                                         const std::filesystem::path& adapter,
                                         const std::vector<MergedModel>& models);

}  // namespace dayrun::app
