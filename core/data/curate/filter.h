// Which samples of a source are kept, by words and by an expression over their fields, and the
// share of inputs that is lower-cased. Token counts are filtered behind encoding, by
// data_compiler. Neighbour: recipe.h's FilterSpec. Read-only after make(): any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/data/curate/where.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"

namespace dayrun::core {

class SampleFilter {
  public:
    /// BadRecipe when the `where` expression cannot be read, or counts tokens and `tokens_of` is
    /// empty.
    static Result<SampleFilter> make(const FilterSpec& spec, const std::string& source_name,
                                     TokenCounter tokens_of);

    /// Why the sample is left out, or "" to keep it. BadRecipe when `where` names a field that the
    /// sample does not have.
    Result<std::string> reason(const Sample& sample) const;

  private:
    FilterSpec m_spec;
    std::string m_source_name;
    std::shared_ptr<const WhereExpression> m_where;
    TokenCounter m_tokens_of;
};

/// What the model is asked: the input, or the instruction of a sample without input, or the text.
std::string_view asked_text(const Sample& sample);

/// Lower-cases the whole input of a `share` of the samples, chosen by (seed, sample_id).
void lowercase_input(Sample& sample, double share, uint64_t seed);

}  // namespace dayrun::core
