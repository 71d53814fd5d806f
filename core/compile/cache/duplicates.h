// mix.dedupe over the caches of all training sources: which rows say what an earlier one said.
// Neighbours: core/data/curate/{dedupe,near_dedupe} decide, data_compiler drops. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "core/compile/cache/compiled_data.h"
#include "core/compile/cache/token_cache.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

/// Repeated rows in the order of `rows`; the kept one comes first in that order. Empty for
/// mix.dedupe none. FileDamaged when words cannot be read.
Result<std::vector<DuplicateRow>> find_duplicate_rows(
    const Recipe& recipe, const std::vector<std::shared_ptr<const TokenCache>>& caches,
    const std::vector<SampleRef>& rows, std::stop_token stop);

}  // namespace dayrun::core
