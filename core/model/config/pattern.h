// A regular expression as PEFT configs hold them: Python's `re.fullmatch` on a module name.
// Over PCRE2, with a limit that a hostile pattern cannot outrun. Any thread after compile.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace dayrun::core {

class Pattern {
  public:
    /// BadRecipe with the place in the pattern when it is not a regular expression.
    static Result<Pattern> compile(std::string_view text);
    /// Whether the whole of `subject` matches.
    bool full_match(std::string_view subject) const;

  private:
    explicit Pattern(std::shared_ptr<const void> code) : m_code(std::move(code)) {}
    std::shared_ptr<const void> m_code;  // pcre2_code
};

}  // namespace dayrun::core
