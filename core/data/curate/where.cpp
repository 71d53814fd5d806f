// A recursive-descent reader for `where` and its evaluation. Values compare as numbers when both
// sides read as numbers, else as text. Neighbour: filter.cpp.
#include "core/data/curate/where.h"

#include <fmt/format.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "core/data/text.h"

namespace dayrun::core {
namespace {

enum class Op {
    Or,
    And,
    Not,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Contains,
    Matches,
    Field,
    Words,
    Tokens,
    Text
};

struct PatternDeleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
using Pattern = std::unique_ptr<pcre2_code, PatternDeleter>;

}  // namespace

struct WhereExpression::Node {
    Op op = Op::Text;
    std::string text;  // of a field, a literal
    std::vector<std::unique_ptr<Node>> parts;
    Pattern pattern;
};

namespace {

using Node = WhereExpression::Node;
using NodePtr = std::unique_ptr<Node>;

NodePtr make_node(Op op, std::string text = {}) {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->text = std::move(text);
    return node;
}

/// Nesting that no one writes by hand; a bound keeps the reader off the stack's end.
constexpr int kMaxDepth = 200;

class Parser {
  public:
    explicit Parser(std::string_view text) : m_text(text) {}

    Result<NodePtr> parse_all() {
        TRY(root, parse_or());
        skip_space();
        if (m_at < m_text.size()) return wrong("`and`, `or` or the end");
        return root;
    }

  private:
    Error wrong(std::string_view expected) const {
        return {.code = ErrorCode::BadRecipe,
                .message = fmt::format("`{}` cannot be read at character {}: {} is expected there.",
                                       m_text, m_at + 1, expected),
                .hint = "For example: source == 'a' and words(input) < 800."};
    }

    void skip_space() {
        while (m_at < m_text.size() && is_blank(m_text.substr(m_at, 1))) ++m_at;
    }
    bool take(std::string_view symbol) {
        skip_space();
        if (m_text.substr(m_at, symbol.size()) != symbol) return false;
        m_at += symbol.size();
        return true;
    }
    static bool is_name_character(char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
    }
    std::string_view peek_word() {
        skip_space();
        size_t end = m_at;
        while (end < m_text.size() && is_name_character(m_text[end])) ++end;
        return m_text.substr(m_at, end - m_at);
    }
    bool take_word(std::string_view word) {
        if (peek_word() != word) return false;
        m_at += word.size();
        return true;
    }

    Result<NodePtr> parse_or() {
        TRY(left, parse_and());
        while (take_word("or")) {
            TRY(right, parse_and());
            left = joined(Op::Or, std::move(left), std::move(right));
        }
        return left;
    }
    Result<NodePtr> parse_and() {
        TRY(left, parse_not());
        while (take_word("and")) {
            TRY(right, parse_not());
            left = joined(Op::And, std::move(left), std::move(right));
        }
        return left;
    }
    Result<NodePtr> parse_not() {
        if (++m_depth > kMaxDepth) return wrong("fewer parentheses");
        if (take_word("not")) {
            TRY(inner, parse_not());
            NodePtr node = make_node(Op::Not);
            node->parts.push_back(std::move(inner));
            --m_depth;
            return node;
        }
        TRY(node, take("(") ? parse_parenthesis() : parse_comparison());
        --m_depth;
        return node;
    }
    Result<NodePtr> parse_parenthesis() {
        TRY(inner, parse_or());
        if (!take(")")) return wrong("`)`");
        return inner;
    }

    Result<NodePtr> parse_comparison() {
        TRY(left, parse_operand());
        for (const auto& [symbol, op] : {std::pair{"==", Op::Equal},
                                         {"!=", Op::NotEqual},
                                         {"<=", Op::LessEqual},
                                         {">=", Op::GreaterEqual},
                                         {"<", Op::Less},
                                         {">", Op::Greater}}) {
            if (!take(symbol)) continue;
            TRY(right, parse_operand());
            return joined(op, std::move(left), std::move(right));
        }
        if (take_word("contains")) {
            TRY(right, parse_operand());
            return joined(Op::Contains, std::move(left), std::move(right));
        }
        if (take_word("matches")) return parse_pattern(std::move(left));
        if (take_word("not")) {
            if (!take_word("in")) return wrong("`in`");
            TRY(inner, parse_list(std::move(left)));
            NodePtr node = make_node(Op::Not);
            node->parts.push_back(std::move(inner));
            return node;
        }
        if (take_word("in")) return parse_list(std::move(left));
        return wrong("a comparison (== != < <= > >= in contains matches)");
    }

    Result<NodePtr> parse_list(NodePtr left) {
        const bool is_square = take("[");
        if (!is_square && !take("(")) return wrong("a list in parentheses");
        NodePtr node = make_node(Op::In);
        node->parts.push_back(std::move(left));
        do {
            TRY(item, parse_operand());
            node->parts.push_back(std::move(item));
        } while (take(","));
        if (!take(is_square ? "]" : ")")) return wrong("`,` or the list's end");
        return node;
    }

    Result<NodePtr> parse_pattern(NodePtr left) {
        if (!take("/")) return wrong("a pattern between slashes");
        std::string pattern;
        for (; m_at < m_text.size() && m_text[m_at] != '/'; ++m_at) {
            if (m_text[m_at] == '\\' && m_at + 1 < m_text.size() && m_text[m_at + 1] == '/') ++m_at;
            pattern += m_text[m_at];
        }
        if (m_at == m_text.size()) return wrong("`/` behind the pattern");
        ++m_at;
        int code = 0;
        PCRE2_SIZE place = 0;
        pcre2_code* const compiled =
            pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                          PCRE2_UTF | PCRE2_UCP, &code, &place, nullptr);
        if (compiled == nullptr) return wrong("a regular expression that can be read");
        NodePtr node = make_node(Op::Matches);
        node->parts.push_back(std::move(left));
        node->pattern.reset(compiled);
        return node;
    }

    Result<NodePtr> parse_operand() {
        skip_space();
        if (take("'")) {
            std::string literal;
            for (; m_at < m_text.size() && m_text[m_at] != '\''; ++m_at) literal += m_text[m_at];
            if (m_at == m_text.size()) return wrong("a closing quote");
            ++m_at;
            return make_node(Op::Text, std::move(literal));
        }
        const bool is_negative = take("-");
        const std::string word(peek_word());
        if (word.empty()) return wrong("a field, a number or a text in single quotes");
        m_at += word.size();
        if (is_negative || std::isdigit(static_cast<unsigned char>(word.front()))) {
            return make_node(Op::Text, (is_negative ? "-" : "") + word);
        }
        if (word == "true" || word == "false") return make_node(Op::Text, word);
        if ((word == "words" || word == "tokens") && take("(")) {
            const std::string field(peek_word());
            m_at += field.size();
            if (field.empty() || !take(")")) return wrong(word + "(field)");
            return make_node(word == "words" ? Op::Words : Op::Tokens, field);
        }
        return make_node(Op::Field, word);
    }

    static NodePtr joined(Op op, NodePtr left, NodePtr right) {
        NodePtr node = make_node(op);
        node->parts.push_back(std::move(left));
        node->parts.push_back(std::move(right));
        return node;
    }

    std::string_view m_text;
    size_t m_at = 0;
    int m_depth = 0;
};

/// What an expression is asked about.
struct Asked {
    const Sample& sample;
    const TokenCounter& tokens_of;
};

Result<std::string> operand(const Node& node, const Asked& asked) {
    if (node.op == Op::Text) return node.text;
    if (!asked.sample.has_field(node.text)) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("there is no field '{}'.", node.text),
                     .hint = "The fields are:" + asked.sample.field_names() + "."};
    }
    const std::string_view text = asked.sample.field(node.text);
    if (node.op == Op::Words) return std::to_string(count_words(text));
    if (node.op == Op::Tokens) return std::to_string(asked.tokens_of(text));
    return std::string(text);
}

std::optional<double> as_number(const std::string& text) {
    double value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = status == std::errc() && end == text.data() + text.size();
    return is_whole ? std::optional(value) : std::nullopt;
}

int compare(const std::string& left, const std::string& right) {
    const auto a = as_number(left);
    const auto b = as_number(right);
    if (a && b) return *a < *b ? -1 : (*a > *b ? 1 : 0);
    return left.compare(right);
}

bool pattern_matches(const pcre2_code* code, const std::string& text) {
    pcre2_match_data* const found = pcre2_match_data_create_from_pattern(code, nullptr);
    const int status = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                   0, found, nullptr);
    pcre2_match_data_free(found);
    return status >= 0;
}

Result<bool> evaluate(const Node& node, const Asked& asked) {
    if (node.op == Op::Or || node.op == Op::And) {
        TRY(left, evaluate(*node.parts[0], asked));
        // Both sides are looked at, so that an unknown field is found in the first row.
        TRY(right, evaluate(*node.parts[1], asked));
        return node.op == Op::Or ? left || right : left && right;
    }
    if (node.op == Op::Not) {
        TRY(inner, evaluate(*node.parts[0], asked));
        return !inner;
    }
    TRY(left, operand(*node.parts[0], asked));
    if (node.op == Op::Matches) return pattern_matches(node.pattern.get(), left);
    if (node.op == Op::In) {
        bool is_in = false;
        for (size_t i = 1; i < node.parts.size(); ++i) {
            TRY(item, operand(*node.parts[i], asked));
            is_in = is_in || compare(left, item) == 0;
        }
        return is_in;
    }
    TRY(right, operand(*node.parts[1], asked));
    switch (node.op) {
        case Op::Equal:
            return compare(left, right) == 0;
        case Op::NotEqual:
            return compare(left, right) != 0;
        case Op::Less:
            return compare(left, right) < 0;
        case Op::LessEqual:
            return compare(left, right) <= 0;
        case Op::Greater:
            return compare(left, right) > 0;
        case Op::GreaterEqual:
            return compare(left, right) >= 0;
        case Op::Contains:
            return left.find(right) != std::string::npos;
        default:
            return false;
    }
}

bool has_tokens(const Node& node) {
    return node.op == Op::Tokens ||
           std::any_of(node.parts.begin(), node.parts.end(),
                       [](const NodePtr& part) { return has_tokens(*part); });
}

}  // namespace

WhereExpression::WhereExpression(std::unique_ptr<const Node> root) : m_root(std::move(root)) {}
WhereExpression::WhereExpression(WhereExpression&&) noexcept = default;
WhereExpression::~WhereExpression() = default;

Result<WhereExpression> WhereExpression::parse(std::string_view text) {
    TRY(root, Parser(text).parse_all());
    return WhereExpression(std::move(root));
}

bool WhereExpression::counts_tokens() const {
    return has_tokens(*m_root);
}

Result<bool> WhereExpression::matches(const Sample& sample, const TokenCounter& tokens_of) const {
    return evaluate(*m_root, {sample, tokens_of});
}

}  // namespace dayrun::core
