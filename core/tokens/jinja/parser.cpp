// The tags of a template. Neighbours: parser.h, expression_parser.h.
#include "core/tokens/jinja/parser.h"

#include <algorithm>
#include <set>

#include "core/tokens/jinja/expression_parser.h"
#include "core/tokens/jinja/functions.h"

namespace dayrun::core::jinja {
namespace {

using Kind = Statement::Kind;
using StatementPointer = std::unique_ptr<const Statement>;

constexpr int kMaxNesting = 60;

class Parser {
  public:
    explicit Parser(std::vector<Token> tokens) : m_words(std::move(tokens)) {}

    Result<Body> run() {
        TRY(body, parse_body({}));
        if (m_words.token().kind != TokenKind::End) return m_words.mistake("a tag closes nothing");
        for (const Token& call : m_words.called()) {
            if (is_function_name(call.text) || m_names.contains(call.text)) continue;
            Error error = m_words.outside("function", call.text);
            error.where.line = call.line;
            error.where.column = call.column;
            return error;
        }
        return body;
    }

  private:
    /// Statements up to a tag of one of the names `ends`, which stays unread behind its {%.
    Result<Body> parse_body(std::initializer_list<std::string_view> ends) {
        Body body;
        if (++m_depth > kMaxNesting) return m_words.mistake("tags are nested too deeply");
        while (m_words.token().kind != TokenKind::End) {
            const Token at = m_words.token();
            if (at.kind == TokenKind::Data) {
                auto made = make(Kind::Data);
                made->text = at.text;
                m_words.advance();
                body.push_back(std::move(made));
                continue;
            }
            if (at.kind == TokenKind::PrintBegin) {
                TRY(print, parse_print());
                body.push_back(std::move(print));
                continue;
            }
            const std::string& name = m_words.next_token().text;
            if (std::find(ends.begin(), ends.end(), name) != ends.end()) break;
            if (name.starts_with("end") || name == "else" || name == "elif") break;
            m_words.advance();
            TRY(statement, parse_tag());
            body.push_back(std::move(statement));
        }
        --m_depth;
        return body;
    }

    std::unique_ptr<Statement> make(Kind kind) const {
        auto made = std::make_unique<Statement>();
        made->kind = kind;
        made->line = m_words.token().line;
        return made;
    }

    Result<StatementPointer> parse_print() {
        auto made = make(Kind::Print);
        m_words.advance();
        TRY(value, m_words.parse_tuple());
        made->value = std::move(value);
        if (m_words.token().kind != TokenKind::PrintEnd)
            return m_words.mistake("}} must stand here");
        m_words.advance();
        return StatementPointer(std::move(made));
    }

    Result<StatementPointer> parse_tag() {
        const std::string name = m_words.token().text;
        if (m_words.token().kind != TokenKind::Name) return m_words.mistake("a tag has a name");
        if (name == "if") return parse_if();
        if (name == "for") return parse_for();
        if (name == "set") return parse_set();
        if (name == "macro") return parse_macro();
        const bool is_break = name == "break";
        if (is_break || name == "continue") {
            if (m_loops == 0) return m_words.mistake(name + " stands outside a loop");
            auto made = make(is_break ? Kind::Break : Kind::Continue);
            m_words.advance();
            TRY_VOID(end_tag());
            return StatementPointer(std::move(made));
        }
        if (name != "generation") return m_words.outside("tag", name);
        auto made = make(Kind::Generation);
        m_words.advance();
        TRY_VOID(end_tag());
        TRY(body, parse_body({"endgeneration"}));
        made->body = std::move(body);
        TRY_VOID(expect_end("endgeneration"));
        return StatementPointer(std::move(made));
    }

    Result<void> end_tag() {
        if (m_words.token().kind != TokenKind::BlockEnd) {
            return m_words.mistake("%} must stand here");
        }
        m_words.advance();
        return {};
    }

    /// "{% name %}", of which {% is the current token.
    Result<void> expect_end(std::string_view name) {
        m_words.advance();
        if (!m_words.take_name(name)) {
            return m_words.mistake("{% " + std::string(name) + " %} must stand here");
        }
        if (name == "endmacro" && m_words.token().kind == TokenKind::Name) m_words.advance();
        return end_tag();
    }

    Result<StatementPointer> parse_if() {
        auto made = make(Kind::If);
        while (true) {
            m_words.advance();  // if or elif
            TRY(condition, m_words.parse_tuple());
            TRY_VOID(end_tag());
            TRY(body, parse_body({"elif", "else", "endif"}));
            made->branches.emplace_back(std::move(condition), std::move(body));
            if (m_words.next_token().text != "elif") break;
            m_words.advance();
        }
        if (m_words.next_token().text == "else") {
            TRY_VOID(expect_end("else"));
            TRY(body, parse_body({"endif"}));
            made->branches.emplace_back(nullptr, std::move(body));
        }
        TRY_VOID(expect_end("endif"));
        return StatementPointer(std::move(made));
    }

    Result<StatementPointer> parse_for() {
        auto made = make(Kind::For);
        m_words.advance();
        const bool has_brackets = m_words.take_operator("(");
        do {
            TRY(name, m_words.expect_name());
            m_names.insert(name);
            made->targets.push_back(std::move(name));
        } while (m_words.take_operator(","));
        if (has_brackets) TRY_VOID(m_words.expect_operator(")"));
        if (!m_words.take_name("in")) return m_words.mistake("'in' must stand here");
        TRY(items, m_words.parse_or());
        made->value = std::move(items);
        if (m_words.take_name("if")) {
            TRY(condition, m_words.parse_expression());
            made->condition = std::move(condition);
        }
        if (m_words.is_name("recursive")) return m_words.outside("loop option", "recursive");
        TRY_VOID(end_tag());
        ++m_loops;
        TRY(body, parse_body({"else", "endfor"}));
        --m_loops;
        made->body = std::move(body);
        if (m_words.next_token().text == "else") {
            TRY_VOID(expect_end("else"));
            TRY(other, parse_body({"endfor"}));
            made->other = std::move(other);
        }
        TRY_VOID(expect_end("endfor"));
        return StatementPointer(std::move(made));
    }

    Result<StatementPointer> parse_set() {
        auto made = make(Kind::Set);
        m_words.advance();
        do {
            TRY(name, m_words.expect_name());
            m_names.insert(name);
            made->targets.push_back(std::move(name));
        } while (m_words.take_operator(","));
        if (made->targets.size() == 1 && m_words.take_operator(".")) {
            TRY(attribute, m_words.expect_name());
            made->attribute = std::move(attribute);
        }
        if (m_words.take_operator("=")) {
            TRY(value, m_words.parse_tuple());
            made->value = std::move(value);
            TRY_VOID(end_tag());
            return StatementPointer(std::move(made));
        }
        if (made->targets.size() > 1) return m_words.mistake("'=' must stand here");
        made->kind = Kind::SetBlock;
        auto subject = std::make_unique<Expression>();
        subject->kind = Expression::Kind::Name;
        TRY(filtered, m_words.parse_filters(std::move(subject)));
        made->value = std::move(filtered);
        TRY_VOID(end_tag());
        TRY(body, parse_body({"endset"}));
        made->body = std::move(body);
        TRY_VOID(expect_end("endset"));
        return StatementPointer(std::move(made));
    }

    Result<StatementPointer> parse_macro() {
        auto made = make(Kind::Macro);
        m_words.advance();
        TRY(name, m_words.expect_name());
        m_names.insert(name);
        made->targets.push_back(std::move(name));
        TRY_VOID(m_words.expect_operator("("));
        while (!m_words.take_operator(")")) {
            TRY(parameter, m_words.expect_name());
            m_names.insert(parameter);
            made->targets.push_back(std::move(parameter));
            if (m_words.take_operator("=")) {
                TRY(value, m_words.parse_expression());
                made->defaults.push_back(std::move(value));
            } else if (!made->defaults.empty()) {
                return m_words.mistake("a parameter with a default stands before one without");
            }
            if (m_words.take_operator(")")) break;
            TRY_VOID(m_words.expect_operator(","));
        }
        TRY_VOID(end_tag());
        const int loops = std::exchange(m_loops, 0);
        TRY(body, parse_body({"endmacro"}));
        m_loops = loops;
        made->body = std::move(body);
        TRY_VOID(expect_end("endmacro"));
        return StatementPointer(std::move(made));
    }

    ExpressionParser m_words;
    int m_depth = 0;
    int m_loops = 0;
    std::set<std::string> m_names;  // what the template itself defines
};

}  // namespace

Result<Body> parse(std::string_view source) {
    TRY(tokens, lex(source));
    return Parser(std::move(tokens)).run();
}

}  // namespace dayrun::core::jinja
