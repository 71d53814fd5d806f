// Finding a text or an id among the tokens of the lens. Plain functions: any thread.
#pragma once

#include <QString>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/compile/token_lens.h"

namespace dayrun::ui {

/// Tokens [begin, end).
using TokenRange = std::pair<size_t, size_t>;

/// Where a text stands, also across tokens and in any case, or with "id:17" that id; in order.
std::vector<TokenRange> findTokens(const std::vector<core::LensToken>& tokens, const QString& text);

}  // namespace dayrun::ui
