// The filter language of contracts.md: == != < <= > >=, in, contains, matches /re/, and, or, not,
// parentheses, words(f), strings in single quotes. Read once, asked for every sample. Read-only
// after parse(): any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/data/sample.h"

namespace dayrun::core {

class WhereExpression {
  public:
    /// BadRecipe with the place in the text and what was expected there.
    static Result<WhereExpression> parse(std::string_view text);
    WhereExpression(WhereExpression&&) noexcept;
    ~WhereExpression();

    /// BadRecipe when the expression names a field that this sample does not have.
    Result<bool> matches(const Sample& sample) const;

    struct Node;

  private:
    explicit WhereExpression(std::unique_ptr<const Node> root);
    std::unique_ptr<const Node> m_root;
};

}  // namespace dayrun::core
