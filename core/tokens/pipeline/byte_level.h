// The printable characters by which byte-level vocabularies write bytes: 'Ġ' for a space and so on
// (GPT-2's table). Any thread. Neighbour: tokenizer_json.cpp keeps tokens as raw bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dayrun::core {

/// "Ġthe" -> " the"; nothing when a character is not in the table.
std::optional<std::string> bytes_of_printable(std::string_view text);
/// " the" -> "Ġthe".
std::string printable_of_bytes(std::string_view bytes);

/// Valid UTF-8 with every broken sequence as one U+FFFD (the longest start of a character that
/// could have become one counts as one), as decoders of other libraries do it.
std::string lossy_utf8(std::string_view bytes);

}  // namespace dayrun::core
