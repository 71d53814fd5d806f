// Whether the base has an embedding for every id that a run will give it: a row with another one
// would end the run in the middle of an epoch. Neighbours: data_checks.cpp asks;
// core/engine/decoder_engine.cpp refuses what gets past. Any thread.
#pragma once

#include <optional>

#include "core/compile/cache/compiled_data.h"
#include "core/plan/preflight_check.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// Empty when the base's config.json cannot be read (opening the base tells why). Red names the
/// rows in use and the prompts of eval.prompts with an id or a label beyond the vocabulary. Costs
/// nothing but where there is one: then the rows of its source are read. FileDamaged when a token
/// cache is.
Result<std::optional<PreflightCheck>> check_vocabulary(const Recipe& recipe,
                                                       const CompiledData& data,
                                                       const Tokenizer* tokenizer);

}  // namespace dayrun::core
