// The checks of the pre-flight sheet that look at compiled data: stop tokens, BOS, ids that the
// base does not have, lost tokens, empty samples, overlap. Neighbours: preflight.cpp adds machine
// checks; a run asks for these too before its first step. Any thread.
#pragma once

#include <vector>

#include "core/compile/cache/compiled_data.h"
#include "core/plan/preflight_check.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// `tokenizer` may be null: then the check of BOS is left out. Reads at most 20,000 samples.
/// FileDamaged when a token cache is.
Result<std::vector<PreflightCheck>> check_data(const Recipe& recipe, const CompiledData& data,
                                               const Tokenizer* tokenizer);

}  // namespace dayrun::core
