// Expressions of a template by Jinja's order of precedence. Neighbour: parser.cpp reads the tags
// around them. One parser per template.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/tokens/jinja/lexer.h"
#include "core/tokens/jinja/syntax.h"

namespace dayrun::core::jinja {

class ExpressionParser {
  public:
    explicit ExpressionParser(std::vector<Token> tokens) : m_tokens(std::move(tokens)) {}

    /// With commas it is a tuple.
    Result<ExpressionPointer> parse_tuple();
    Result<ExpressionPointer> parse_expression();
    /// Without `a if b else c`: what stands behind `in` of a loop.
    Result<ExpressionPointer> parse_or();
    /// The filters behind `|`, over the value `subject`.
    Result<ExpressionPointer> parse_filters(ExpressionPointer subject);

    const Token& token() const { return m_tokens[m_at]; }
    const Token& next_token() const;
    void advance();
    bool is_operator(std::string_view text) const;
    bool is_name(std::string_view text) const;
    bool take_operator(std::string_view text);
    bool take_name(std::string_view text);
    Result<std::string> expect_name();
    Result<void> expect_operator(std::string_view text);
    Error mistake(std::string what) const;
    /// "The chat_template uses the filter 'x', …"
    Error outside(std::string_view what, const std::string& name) const;
    /// Functions that are called by a bare name, with the place of the first call.
    const std::vector<Token>& called() const { return m_called; }

  private:
    using Parse = Result<ExpressionPointer> (ExpressionParser::*)();
    Result<ExpressionPointer> parse_binary(std::initializer_list<std::string_view> operators,
                                           Parse next);
    Result<ExpressionPointer> parse_and();
    Result<ExpressionPointer> parse_not();
    Result<ExpressionPointer> parse_compare();
    Result<ExpressionPointer> parse_sum();
    Result<ExpressionPointer> parse_concat();
    Result<ExpressionPointer> parse_product();
    Result<ExpressionPointer> parse_signed() { return parse_unary(true); }
    Result<ExpressionPointer> parse_unary(bool has_filters);
    Result<ExpressionPointer> parse_primary();
    Result<ExpressionPointer> parse_literal();
    Result<ExpressionPointer> parse_dict();
    Result<ExpressionPointer> parse_postfix(ExpressionPointer subject);
    Result<ExpressionPointer> parse_subscript(ExpressionPointer subject);
    Result<ExpressionPointer> parse_call(ExpressionPointer callee);
    Result<ExpressionPointer> parse_test(ExpressionPointer subject);
    Result<std::vector<Argument>> parse_arguments();
    Result<std::vector<ExpressionPointer>> parse_items(std::string_view close);
    Result<void> enter();

    std::vector<Token> m_tokens;
    size_t m_at = 0;
    int m_depth = 0;
    std::vector<Token> m_called;
};

}  // namespace dayrun::core::jinja
