// Tokens to a tree. The subset is what chat templates use (architecture: core/tokens/jinja); any
// tag, filter, test, method or function outside it is refused by its name. Neighbours: lexer.h,
// syntax.h. Plain functions: any thread.
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "core/tokens/jinja/syntax.h"

namespace dayrun::core::jinja {

/// BadTokenizer for a mistake, Unsupported for what lies outside the subset; both with the place.
Result<Body> parse(std::string_view source);

}  // namespace dayrun::core::jinja
