// The prompts of eval.prompts as ids: what the model is asked after a validation. Neighbours:
// encode.h, core/run/validation.cpp generates, core/plan/vocabulary_check.cpp looks at the ids
// before the run. Plain function: any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

struct EvalPrompts {
    std::vector<std::vector<int32_t>> ids;  // one list a prompt, in the recipe's order
    std::optional<int32_t> stop_id;         // where an answer ends
};

/// Each prompt as the template's user turn, up to where the reply begins.
Result<EvalPrompts> encode_eval_prompts(const Recipe& recipe, const Tokenizer& tokenizer);

}  // namespace dayrun::core
