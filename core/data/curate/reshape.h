// What a recipe makes of a converted sample before anything else sees it: how much of a dialogue
// is one sample, and new words for its fields. Neighbours: read_samples.cpp calls it behind the
// converter, field_text.h. Read-only after construction: any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/data/converters/converter.h"
#include "core/data/curate/field_text.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

class Reshape {
  public:
    Reshape(TurnsRule turns, const std::vector<std::pair<std::string, std::string>>& fields);

    /// Rewrites converted.samples; what has no answer or no question left, and what new words would
    /// lose a turn of, moves to its drop reasons. BadRecipe for a field that is not there, and for
    /// new words over a dialogue that is kept whole.
    Result<void> apply(Converted& converted) const;

  private:
    void divide(Converted& converted) const;
    Result<void> reword(Sample& sample) const;

    TurnsRule m_turns;
    std::vector<std::pair<std::string, FieldText>> m_fields;
};

}  // namespace dayrun::core
