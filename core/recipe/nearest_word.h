// "Did you mean …?": the known word with the fewest typing slips. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

/// The word of `known` nearest to `word` by edit distance; empty when none is near enough to be a
/// slip (more than a third of the letters differ).
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

}  // namespace dayrun::core
