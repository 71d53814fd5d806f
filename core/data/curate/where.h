// The filter language of contracts.md: == != < <= > >=, in, contains, matches /re/, and, or, not,
// parentheses, words(f), tokens(f), strings in single quotes. Read once, asked for every sample.
// Read-only after parse(): any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/data/sample.h"

namespace dayrun::core {

/// How many tokens a text has for the model, alone and without special ones. This room knows no
/// tokenizer: data_compiler gives it.
using TokenCounter = std::function<int64_t(std::string_view text)>;

class WhereExpression {
  public:
    /// BadRecipe with the place in the text and what was expected there.
    static Result<WhereExpression> parse(std::string_view text);
    WhereExpression(WhereExpression&&) noexcept;
    ~WhereExpression();

    /// Whether it says tokens(f) anywhere: then matches() needs `tokens_of`.
    bool counts_tokens() const;
    /// BadRecipe when the expression names a field that this sample does not have.
    Result<bool> matches(const Sample& sample, const TokenCounter& tokens_of) const;

    struct Node;

  private:
    explicit WhereExpression(std::unique_ptr<const Node> root);
    std::unique_ptr<const Node> m_root;
};

}  // namespace dayrun::core
