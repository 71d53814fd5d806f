// A template's text as tokens: what stands between tags, and the words inside them, with Jinja's
// rules for white space around tags (trim_blocks and lstrip_blocks on, as chat templates have it).
// Neighbour: parser.h. Plain functions: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core::jinja {

enum class TokenKind {
    Data,        // text between tags
    BlockBegin,  // {%
    BlockEnd,
    PrintBegin,  // {{
    PrintEnd,
    Name,
    String,
    Integer,
    Real,
    Operator,
    End,
};

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text;  // of a String without quotes and escapes
    int line = 1, column = 1;
};

/// BadTokenizer with line and column for a text that is no template.
Result<std::vector<Token>> lex(std::string_view source);

/// A mistake at a place of the template.
Error template_error(int line, int column, std::string message);

/// How many bytes from `at` are one character of white space as Python sees it; 0: none.
size_t space_at(std::string_view text, size_t at);
/// The end of `text` without white space behind it.
size_t stripped_end(std::string_view text);
size_t stripped_begin(std::string_view text);

}  // namespace dayrun::core::jinja
