// Body of expression_parser.h.
#include "core/tokens/jinja/expression_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/tokens/jinja/functions.h"

namespace dayrun::core::jinja {
namespace {

using Kind = Expression::Kind;

/// Deep enough for every real template, shallow enough for the stack.
constexpr int kMaxDepth = 100;

std::unique_ptr<Expression> node(Kind kind, const Token& at, std::string name = {}) {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->name = std::move(name);
    made->line = at.line;
    return made;
}

bool is_compare(const Token& token) {
    constexpr std::array<std::string_view, 6> kWords{"==", "!=", "<", "<=", ">", ">="};
    return token.kind == TokenKind::Operator &&
           std::find(kWords.begin(), kWords.end(), token.text) != kWords.end();
}

}  // namespace

const Token& ExpressionParser::next_token() const {
    return m_tokens[std::min(m_at + 1, m_tokens.size() - 1)];
}

void ExpressionParser::advance() {
    if (m_at + 1 < m_tokens.size()) ++m_at;
}

bool ExpressionParser::is_operator(std::string_view text) const {
    return token().kind == TokenKind::Operator && token().text == text;
}

bool ExpressionParser::is_name(std::string_view text) const {
    return token().kind == TokenKind::Name && token().text == text;
}

bool ExpressionParser::take_operator(std::string_view text) {
    if (!is_operator(text)) return false;
    advance();
    return true;
}

bool ExpressionParser::take_name(std::string_view text) {
    if (!is_name(text)) return false;
    advance();
    return true;
}

Result<std::string> ExpressionParser::expect_name() {
    if (token().kind != TokenKind::Name) return mistake("a name must stand here");
    std::string name = token().text;
    advance();
    return name;
}

Result<void> ExpressionParser::expect_operator(std::string_view text) {
    if (!take_operator(text)) return mistake(fmt::format("'{}' must stand here", text));
    return {};
}

Error ExpressionParser::mistake(std::string what) const {
    return template_error(token().line, token().column, std::move(what));
}

Error ExpressionParser::outside(std::string_view what, const std::string& name) const {
    return {.code = ErrorCode::Unsupported,
            .message = fmt::format("The chat_template uses the {} '{}', which Dayrun's templates "
                                   "do not have.",
                                   what, name),
            .hint = "Choose a named template, or write a text template.",
            .where = {"chat_template", token().line, token().column}};
}

Result<void> ExpressionParser::enter() {
    if (++m_depth > kMaxDepth) return mistake("expressions are nested too deeply");
    return {};
}

Result<ExpressionPointer> ExpressionParser::parse_tuple() {
    const Token at = token();
    TRY(first, parse_expression());
    if (!is_operator(",")) return first;
    auto tuple = node(Kind::Tuple, at);
    tuple->parts.push_back(std::move(first));
    while (take_operator(",")) {
        const bool is_end = token().kind == TokenKind::BlockEnd ||
                            token().kind == TokenKind::PrintEnd || is_operator("=");
        if (is_end) break;
        TRY(item, parse_expression());
        tuple->parts.push_back(std::move(item));
    }
    return ExpressionPointer(std::move(tuple));
}

Result<ExpressionPointer> ExpressionParser::parse_expression() {
    TRY_VOID(enter());
    TRY(value, parse_or());
    while (is_name("if")) {
        auto made = node(Kind::If, token());
        advance();
        TRY(condition, parse_or());
        made->parts.push_back(std::move(value));
        made->parts.push_back(std::move(condition));
        made->parts.emplace_back();
        if (take_name("else")) {
            TRY(other, parse_expression());
            made->parts.back() = std::move(other);
        }
        value = std::move(made);
    }
    --m_depth;
    return value;
}

Result<ExpressionPointer> ExpressionParser::parse_binary(
    std::initializer_list<std::string_view> operators, Parse next) {
    TRY(left, (this->*next)());
    while (true) {
        const Token at = token();
        const bool is_word = at.kind == TokenKind::Operator || at.kind == TokenKind::Name;
        const bool is_ours =
            is_word && std::find(operators.begin(), operators.end(), at.text) != operators.end();
        if (!is_ours) return left;
        advance();
        TRY(right, (this->*next)());
        auto made = node(Kind::Binary, at, at.text);
        made->parts.push_back(std::move(left));
        made->parts.push_back(std::move(right));
        left = std::move(made);
    }
}

Result<ExpressionPointer> ExpressionParser::parse_or() {
    return parse_binary({"or"}, &ExpressionParser::parse_and);
}
Result<ExpressionPointer> ExpressionParser::parse_and() {
    return parse_binary({"and"}, &ExpressionParser::parse_not);
}
Result<ExpressionPointer> ExpressionParser::parse_sum() {
    return parse_binary({"+", "-"}, &ExpressionParser::parse_concat);
}
Result<ExpressionPointer> ExpressionParser::parse_concat() {
    return parse_binary({"~"}, &ExpressionParser::parse_product);
}
Result<ExpressionPointer> ExpressionParser::parse_product() {
    auto made = parse_binary({"*", "/", "//", "%"}, &ExpressionParser::parse_signed);
    if (made.ok() && is_operator("**")) return outside("operator", "**");
    return made;
}

Result<ExpressionPointer> ExpressionParser::parse_not() {
    if (!is_name("not")) return parse_compare();
    TRY_VOID(enter());
    auto made = node(Kind::Unary, token(), "not");
    advance();
    TRY(value, parse_not());
    made->parts.push_back(std::move(value));
    --m_depth;
    return ExpressionPointer(std::move(made));
}

Result<ExpressionPointer> ExpressionParser::parse_compare() {
    const Token at = token();
    TRY(first, parse_sum());
    auto made = node(Kind::Compare, at);
    while (true) {
        const bool is_not_in =
            is_name("not") && next_token().kind == TokenKind::Name && next_token().text == "in";
        if (!is_not_in && !is_name("in") && !is_compare(token())) break;
        made->names.push_back(is_not_in ? "not in" : token().text);
        advance();
        if (is_not_in) advance();
        TRY(right, parse_sum());
        made->parts.push_back(std::move(right));
    }
    if (made->names.empty()) return first;
    made->parts.insert(made->parts.begin(), std::move(first));
    return ExpressionPointer(std::move(made));
}

Result<ExpressionPointer> ExpressionParser::parse_unary(bool has_filters) {
    TRY_VOID(enter());
    ExpressionPointer value;
    if (is_operator("-") || is_operator("+")) {
        auto made = node(Kind::Unary, token(), token().text);
        advance();
        TRY(operand, parse_unary(false));
        made->parts.push_back(std::move(operand));
        value = std::move(made);
    } else {
        TRY(primary, parse_primary());
        TRY(whole, parse_postfix(std::move(primary)));
        value = std::move(whole);
    }
    if (has_filters) {
        TRY(filtered, parse_filters(std::move(value)));
        value = std::move(filtered);
    }
    --m_depth;
    return value;
}

Result<ExpressionPointer> ExpressionParser::parse_primary() {
    const Token at = token();
    if (at.kind == TokenKind::Operator && (at.text == "(" || at.text == "[")) {
        advance();
        const bool is_list = at.text == "[";
        TRY(items, parse_items(is_list ? "]" : ")"));
        const bool has_comma = !items.empty() && items.back() == nullptr;
        if (has_comma) items.pop_back();
        if (!is_list && items.size() == 1 && !has_comma) return std::move(items.front());
        auto made = node(is_list ? Kind::List : Kind::Tuple, at);
        made->parts = std::move(items);
        return ExpressionPointer(std::move(made));
    }
    if (is_operator("{")) return parse_dict();
    return parse_literal();
}

/// The values up to `close`; a last comma is shown by a null behind them.
Result<std::vector<ExpressionPointer>> ExpressionParser::parse_items(std::string_view close) {
    std::vector<ExpressionPointer> items;
    while (!take_operator(close)) {
        TRY(item, parse_expression());
        items.push_back(std::move(item));
        if (take_operator(close)) break;
        TRY_VOID(expect_operator(","));
        if (take_operator(close)) {
            items.emplace_back();
            break;
        }
    }
    return items;
}

Result<ExpressionPointer> ExpressionParser::parse_dict() {
    auto made = node(Kind::Dict, token());
    advance();
    while (!take_operator("}")) {
        TRY(key, parse_expression());
        TRY_VOID(expect_operator(":"));
        TRY(value, parse_expression());
        made->parts.push_back(std::move(key));
        made->parts.push_back(std::move(value));
        if (take_operator("}")) break;
        TRY_VOID(expect_operator(","));
    }
    return ExpressionPointer(std::move(made));
}

Result<ExpressionPointer> ExpressionParser::parse_literal() {
    const Token at = token();
    auto made = node(Kind::Literal, at);
    if (at.kind == TokenKind::Name) {
        const bool is_true = at.text == "true" || at.text == "True";
        const bool is_false = at.text == "false" || at.text == "False";
        advance();
        if (is_true || is_false) {
            made->literal = is_true;
        } else if (at.text == "none" || at.text == "None") {
            made->literal = None{};
        } else {
            return ExpressionPointer(node(Kind::Name, at, at.text));
        }
    } else if (at.kind == TokenKind::String) {
        std::string text;
        for (; token().kind == TokenKind::String; advance()) text += token().text;
        made->literal = Text(std::move(text));
    } else if (at.kind == TokenKind::Integer) {
        int64_t value = 0;
        const char* const end = at.text.data() + at.text.size();
        if (std::from_chars(at.text.data(), end, value).ptr != end) {
            return mistake(fmt::format("the number {} is too large", at.text));
        }
        made->literal = value;
        advance();
    } else if (at.kind == TokenKind::Real) {
        double value = 0;
        std::from_chars(at.text.data(), at.text.data() + at.text.size(), value);
        made->literal = value;
        advance();
    } else {
        return mistake("a value must stand here");
    }
    return ExpressionPointer(std::move(made));
}

Result<ExpressionPointer> ExpressionParser::parse_postfix(ExpressionPointer subject) {
    // A chain is a deep tree too: `a.b.c.…`.
    int links = 0;
    while (true) {
        if (++links > kMaxDepth) return mistake("a chain of names is too long");
        if (take_operator(".")) {
            auto made = node(Kind::Attribute, token());
            if (token().kind == TokenKind::Integer) {
                made->kind = Kind::Item;
                made->parts.push_back(std::move(subject));
                TRY(index, parse_literal());
                made->parts.push_back(std::move(index));
            } else {
                TRY(name, expect_name());
                made->name = std::move(name);
                made->parts.push_back(std::move(subject));
            }
            subject = std::move(made);
        } else if (is_operator("[")) {
            TRY(item, parse_subscript(std::move(subject)));
            subject = std::move(item);
        } else if (is_operator("(")) {
            TRY(call, parse_call(std::move(subject)));
            subject = std::move(call);
        } else {
            return subject;
        }
    }
}

Result<ExpressionPointer> ExpressionParser::parse_subscript(ExpressionPointer subject) {
    const Token at = token();
    advance();
    std::array<ExpressionPointer, 3> parts;
    size_t colons = 0;
    while (!is_operator("]")) {
        if (take_operator(":")) {
            if (++colons > 2) return mistake("a slice has at most two ':'");
            continue;
        }
        if (parts[colons] != nullptr) return mistake("']' must stand here");
        TRY(part, parse_expression());
        parts[colons] = std::move(part);
    }
    advance();
    auto made = node(colons == 0 ? Kind::Item : Kind::Slice, at);
    made->parts.push_back(std::move(subject));
    if (colons == 0) {
        if (parts[0] == nullptr) return mistake("an index must stand in [ ]");
        made->parts.push_back(std::move(parts[0]));
    } else {
        for (ExpressionPointer& part : parts) made->parts.push_back(std::move(part));
    }
    return ExpressionPointer(std::move(made));
}

Result<std::vector<Argument>> ExpressionParser::parse_arguments() {
    std::vector<Argument> arguments;
    TRY_VOID(expect_operator("("));
    while (!take_operator(")")) {
        if (is_operator("*") || is_operator("**")) return outside("argument list", token().text);
        Argument argument;
        const bool is_named = token().kind == TokenKind::Name &&
                              next_token().kind == TokenKind::Operator && next_token().text == "=";
        if (is_named) {
            argument.name = token().text;
            advance();
            advance();
        }
        TRY(value, parse_expression());
        argument.value = std::move(value);
        arguments.push_back(std::move(argument));
        if (take_operator(")")) break;
        TRY_VOID(expect_operator(","));
    }
    return arguments;
}

Result<ExpressionPointer> ExpressionParser::parse_call(ExpressionPointer callee) {
    auto made = node(Kind::Call, token());
    const bool is_method = callee->kind == Kind::Attribute;
    if (is_method && !is_method_name(callee->name)) return outside("method", callee->name);
    if (callee->kind == Kind::Name) {
        m_called.push_back(token());
        m_called.back().text = callee->name;
    }
    made->parts.push_back(std::move(callee));
    TRY(arguments, parse_arguments());
    made->arguments = std::move(arguments);
    return ExpressionPointer(std::move(made));
}

Result<ExpressionPointer> ExpressionParser::parse_filters(ExpressionPointer subject) {
    int links = 0;
    while (true) {
        if (++links > kMaxDepth) return mistake("a chain of filters is too long");
        if (is_operator("|")) {
            advance();
            auto made = node(Kind::Filter, token());
            if (token().kind == TokenKind::Name && !is_filter_name(token().text)) {
                return outside("filter", token().text);
            }
            TRY(name, expect_name());
            made->name = std::move(name);
            made->parts.push_back(std::move(subject));
            if (is_operator("(")) {
                TRY(arguments, parse_arguments());
                made->arguments = std::move(arguments);
            }
            subject = std::move(made);
        } else if (is_name("is")) {
            TRY(test, parse_test(std::move(subject)));
            subject = std::move(test);
        } else if (is_operator("(")) {
            TRY(call, parse_call(std::move(subject)));
            subject = std::move(call);
        } else {
            return subject;
        }
    }
}

Result<ExpressionPointer> ExpressionParser::parse_test(ExpressionPointer subject) {
    advance();
    const Token at = token();
    const bool is_negated = take_name("not");
    auto made = node(Kind::Test, at);
    if (token().kind == TokenKind::Name && !is_test_name(token().text)) {
        return outside("test", token().text);
    }
    TRY(name, expect_name());
    made->name = std::move(name);
    made->parts.push_back(std::move(subject));
    const Token& next = token();
    const bool is_word = next.kind == TokenKind::Name && next.text != "else" && next.text != "or" &&
                         next.text != "and" && next.text != "if" && next.text != "in" &&
                         next.text != "is" && next.text != "not";
    const bool is_value = next.kind == TokenKind::String || next.kind == TokenKind::Integer ||
                          next.kind == TokenKind::Real || is_operator("[") || is_operator("{");
    if (is_operator("(")) {
        TRY(arguments, parse_arguments());
        made->arguments = std::move(arguments);
    } else if (is_word || is_value) {
        TRY(primary, parse_primary());
        TRY(value, parse_postfix(std::move(primary)));
        made->arguments.push_back({"", std::move(value)});
    }
    if (!is_negated) return ExpressionPointer(std::move(made));
    auto negated = node(Kind::Unary, at, "not");
    negated->parts.push_back(std::move(made));
    return ExpressionPointer(std::move(negated));
}

}  // namespace dayrun::core::jinja
