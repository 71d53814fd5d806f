// Body of lexer.h.
#include "core/tokens/jinja/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core::jinja {
namespace {

/// Line ends as "\n", and the last one gone: what Jinja does before anything else.
std::string normalized(std::string_view source) {
    std::string text;
    text.reserve(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            text += source[i];
        } else if (i + 1 == source.size() || source[i + 1] != '\n') {
            text += '\n';
        }
    }
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

bool is_name_start(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_name_part(char c) {
    return is_name_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr std::array<std::string_view, 29> kOperators{
    "**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "(", ")", "[",
    "]",  "{",  "}",  ">",  "<",  "=",  ".", ":", "|", ",", ";", "!", "&", "@"};

class Lexer {
  public:
    explicit Lexer(std::string_view source) : m_text(normalized(source)) {}

    Result<std::vector<Token>> run() {
        while (m_at < m_text.size()) {
            const size_t tag = next_tag();
            if (tag == std::string::npos) {
                add_data(m_text.substr(m_at));
                break;
            }
            TRY_VOID(read_tag(tag));
        }
        m_at = m_text.size();
        add(TokenKind::End, "");
        return std::move(m_tokens);
    }

  private:
    size_t next_tag() const {
        for (size_t at = m_text.find('{', m_at); at != std::string::npos;
             at = m_text.find('{', at + 1)) {
            const char next = at + 1 < m_text.size() ? m_text[at + 1] : '\0';
            if (next == '%' || next == '{' || next == '#') return at;
        }
        return std::string::npos;
    }

    Result<void> read_tag(size_t tag) {
        const char kind = m_text[tag + 1];
        const char sign = tag + 2 < m_text.size() ? m_text[tag + 2] : '\0';
        const bool has_sign = sign == '-' || sign == '+';
        add_data(text_before(m_text.substr(m_at, tag - m_at), sign, kind != '{'));
        m_at = tag;
        const size_t inside = tag + (has_sign ? 3 : 2);
        if (kind == '#') return skip_comment(inside);
        add(kind == '%' ? TokenKind::BlockBegin : TokenKind::PrintBegin, "");
        m_at = inside;
        return read_words(kind);
    }

    std::string text_before(std::string text, char sign, bool is_block) const {
        if (sign == '-') {
            text.resize(stripped_end(text));
            return text;
        }
        if (sign == '+' || !is_block) return text;
        const size_t line = text.rfind('\n') + 1;  // 0 without one
        if (line == 0 && !m_starts_line) return text;
        if (stripped_end(std::string_view(text).substr(line)) == 0) text.resize(line);
        return text;
    }

    /// Ends a tag at m_at and takes the white space behind it that its sign asks for.
    void end_tag(size_t length, bool strips, bool keeps_newline) {
        m_at += length;
        m_starts_line = false;
        if (strips) {
            while (const size_t size = space_at(m_text, m_at)) {
                m_starts_line = m_text[m_at] == '\n';
                m_at += size;
            }
        } else if (!keeps_newline && m_at < m_text.size() && m_text[m_at] == '\n') {
            ++m_at;
            m_starts_line = true;
        }
    }

    Result<void> skip_comment(size_t from) {
        const size_t end = m_text.find("#}", from);
        if (end == std::string::npos) return mistake("a comment {# has no #} behind it");
        const char sign = end > from ? m_text[end - 1] : '\0';
        m_at = end;
        end_tag(2, sign == '-', sign == '+');
        return {};
    }

    Result<void> read_words(char kind) {
        std::string open;  // brackets inside the tag
        const std::string close = kind == '%' ? "%}" : "}}";
        while (true) {
            while (const size_t size = space_at(m_text, m_at)) m_at += size;
            if (m_at >= m_text.size()) {
                return mistake(fmt::format("a tag has no {} behind it", close));
            }
            if (open.empty()) {
                const char c = m_text[m_at];
                const bool has_sign = c == '-' || (c == '+' && kind == '%');
                const size_t at = m_at + (has_sign ? 1 : 0);
                if (m_text.compare(at, 2, close) == 0) {
                    add(kind == '%' ? TokenKind::BlockEnd : TokenKind::PrintEnd, "");
                    end_tag(has_sign ? 3 : 2, c == '-', c == '+' || kind == '{');
                    return {};
                }
            }
            TRY_VOID(read_word(open));
        }
    }

    Result<void> read_word(std::string& open) {
        const char c = m_text[m_at];
        if (c == '\'' || c == '"') return read_string(c);
        size_t end = m_at;
        if (is_name_start(c)) {
            while (end < m_text.size() && is_name_part(m_text[end])) ++end;
            return take(TokenKind::Name, end);
        }
        if (is_digit(c)) return read_number();
        for (const std::string_view known : kOperators) {
            if (m_text.compare(m_at, known.size(), known) != 0) continue;
            if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : (c == '[' ? ']' : '}');
            if (c == ')' || c == ']' || c == '}') {
                if (open.empty() || open.back() != c) {
                    return mistake(fmt::format("'{}' closes nothing", c));
                }
                open.pop_back();
            }
            return take(TokenKind::Operator, m_at + known.size());
        }
        return mistake("there is a character that no expression has");
    }

    Result<void> read_number() {
        size_t end = m_at;
        const auto digits = [&] {
            while (end < m_text.size() && (is_digit(m_text[end]) || m_text[end] == '_')) ++end;
        };
        digits();
        bool is_real = false;
        if (end + 1 < m_text.size() && m_text[end] == '.' && is_digit(m_text[end + 1])) {
            is_real = true;
            ++end;
            digits();
        }
        if (end < m_text.size() && (m_text[end] == 'e' || m_text[end] == 'E')) {
            size_t after = end + 1;
            if (after < m_text.size() && (m_text[after] == '-' || m_text[after] == '+')) ++after;
            if (after < m_text.size() && is_digit(m_text[after])) {
                is_real = true;
                end = after;
                digits();
            }
        }
        TRY_VOID(take(is_real ? TokenKind::Real : TokenKind::Integer, end));
        std::erase(m_tokens.back().text, '_');
        return {};
    }

    Result<void> read_string(char quote) {
        std::string text;
        size_t at = m_at + 1;
        while (at < m_text.size() && m_text[at] != quote) {
            if (m_text[at] == '\\' && at + 1 < m_text.size()) {
                at = read_escape(at + 1, text);
            } else {
                text += m_text[at++];
            }
        }
        if (at >= m_text.size()) return mistake("a text in quotes has no end");
        TRY_VOID(take(TokenKind::String, at + 1));
        m_tokens.back().text = std::move(text);
        return {};
    }

    /// Python's escapes; an unknown one keeps its backslash.
    size_t read_escape(size_t at, std::string& out) const {
        constexpr std::string_view kNames = "\\'\"abfnrtv";
        constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
        const char c = m_text[at];
        if (c == '\n') return at + 1;
        if (const size_t known = kNames.find(c); known != std::string_view::npos) {
            out += kValues[known];
            return at + 1;
        }
        const size_t digits = c == 'x' ? 2 : (c == 'u' ? 4 : (c == 'U' ? 8 : 0));
        uint32_t code = 0;
        size_t count = 0;
        while (count < digits && at + 1 + count < m_text.size()) {
            const auto digit = static_cast<unsigned char>(m_text[at + 1 + count]);
            if (std::isxdigit(digit) == 0) break;
            code = code * 16 + static_cast<uint32_t>(is_digit(static_cast<char>(digit))
                                                         ? digit - '0'
                                                         : std::tolower(digit) - 'a' + 10);
            ++count;
        }
        const bool is_code =
            count == digits && digits > 0 && code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
        if (is_code) {
            append_utf8(code, out);
            return at + 1 + digits;
        }
        out += '\\';
        out += c;
        return at + 1;
    }

    Result<void> take(TokenKind kind, size_t end) {
        add(kind, m_text.substr(m_at, end - m_at));
        m_at = end;
        return {};
    }

    void add_data(std::string text) {
        if (!text.empty()) add(TokenKind::Data, std::move(text));
    }

    void add(TokenKind kind, std::string text) {
        const auto [line, column] = place();
        m_tokens.push_back({kind, std::move(text), line, column});
    }

    /// Line and column of m_at, which only grows.
    std::pair<int, int> place() {
        for (; m_counted < m_at && m_counted < m_text.size(); ++m_counted) {
            ++m_column;
            if (m_text[m_counted] == '\n') {
                ++m_line;
                m_column = 1;
            }
        }
        return {m_line, m_column};
    }

    Error mistake(std::string what) {
        const auto [line, column] = place();
        return template_error(line, column, std::move(what));
    }

    std::string m_text;
    size_t m_at = 0;
    size_t m_counted = 0;
    int m_line = 1, m_column = 1;
    bool m_starts_line = true;
    std::vector<Token> m_tokens;
};

}  // namespace

Result<std::vector<Token>> lex(std::string_view source) {
    return Lexer(source).run();
}

Error template_error(int line, int column, std::string message) {
    return {.code = ErrorCode::BadTokenizer,
            .message = fmt::format("The chat_template cannot be read: {}.", message),
            .hint = "Fetch the model's tokenizer files again, or choose a named template.",
            .where = {"chat_template", line, column}};
}

size_t space_at(std::string_view text, size_t at) {
    if (at >= text.size()) return 0;
    const auto c = static_cast<unsigned char>(text[at]);
    if ((c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20)) return 1;
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("\xC2\x85") || rest.starts_with("\xC2\xA0")) return 2;
    const bool is_wide = rest.starts_with("\xE1\x9A\x80") || rest.starts_with("\xE2\x80\xA8") ||
                         rest.starts_with("\xE2\x80\xA9") || rest.starts_with("\xE2\x80\xAF") ||
                         rest.starts_with("\xE2\x81\x9F") || rest.starts_with("\xE3\x80\x80") ||
                         (rest.size() >= 3 && rest.starts_with("\xE2\x80") &&
                          static_cast<unsigned char>(rest[2]) >= 0x80 &&
                          static_cast<unsigned char>(rest[2]) <= 0x8A);
    return is_wide ? 3 : 0;
}

size_t stripped_begin(std::string_view text) {
    size_t at = 0;
    while (const size_t size = space_at(text, at)) at += size;
    return at;
}

size_t stripped_end(std::string_view text) {
    size_t end = text.size();
    while (end > 0) {
        size_t begin = end - 1;
        while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
        if (space_at(text.substr(0, end), begin) != end - begin) break;
        end = begin;
    }
    return end;
}

}  // namespace dayrun::core::jinja
