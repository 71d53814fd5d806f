// PCRE2 behind WordScanner: any pattern, and the oracle of the written-out scanners.
#include <fmt/format.h>

#include <algorithm>

#include "core/tokens/bpe/word_scanner.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace dayrun::core {
namespace {

// Patterns of tokenizer files are Oniguruma's. Its word characters are more than PCRE2's, and alone
// (outside of brackets) they are also the Latin-1 numerals; its \h is a hexadecimal digit.
constexpr std::string_view kWordInBrackets = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kLatin1Numerals = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr std::string_view kHexInBrackets = "0-9A-Fa-f";

/// What an escaped letter stands for, or the escape itself.
std::string escape_in_pcre(char letter, bool in_brackets) {
    if (letter == 'w' && in_brackets) return std::string(kWordInBrackets);
    if (letter == 'h' && in_brackets) return std::string(kHexInBrackets);
    if (in_brackets) return {'\\', letter};
    if (letter == 'w') return fmt::format("[{}{}]", kWordInBrackets, kLatin1Numerals);
    if (letter == 'W') return fmt::format("[^{}{}]", kWordInBrackets, kLatin1Numerals);
    if (letter == 'h') return fmt::format("[{}]", kHexInBrackets);
    if (letter == 'H') return fmt::format("[^{}]", kHexInBrackets);
    return {'\\', letter};
}

std::string as_pcre(std::string_view pattern) {
    std::string result;
    size_t bracket = std::string_view::npos;  // where the open one stands
    for (size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        const bool in_brackets = bracket != std::string_view::npos;
        if (c == '\\' && at + 1 < pattern.size()) {
            result += escape_in_pcre(pattern[++at], in_brackets);
            continue;
        }
        if (c == '[' && !in_brackets) bracket = at;
        if (in_brackets && pattern.substr(at).starts_with("[:")) {  // "[:alpha:]" is one unit
            const size_t end = std::min(pattern.find(":]", at), pattern.size() - 2);
            result += pattern.substr(at, end + 2 - at);
            at = end + 1;
            continue;
        }
        if (in_brackets && c == ']') {
            // The first character, as in "[]" and "[^]", is no end.
            const size_t content = bracket + (pattern[bracket + 1] == '^' ? 2 : 1);
            if (at > content) bracket = std::string_view::npos;
        }
        result += c;
    }
    return result;
}

class RegexScanner final : public WordScanner {
  public:
    explicit RegexScanner(pcre2_code* code) : m_code(code) {
        // Without the just-in-time compiler it works too, only slower.
        pcre2_jit_compile(m_code, PCRE2_JIT_COMPLETE);
    }
    ~RegexScanner() override { pcre2_code_free(m_code); }
    RegexScanner(const RegexScanner&) = delete;

    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        pcre2_match_data* const match = pcre2_match_data_create_from_pattern(m_code, nullptr);
        const auto* const units = reinterpret_cast<PCRE2_SPTR>(text.data());
        const size_t* const ends = pcre2_get_ovector_pointer(match);
        size_t from = 0;
        while (from < text.size()) {
            if (pcre2_match(m_code, units, text.size(), from, 0, match, nullptr) < 0) break;
            if (ends[1] > ends[0]) {
                matches.push_back({ends[0], ends[1]});
                from = ends[1];
                continue;
            }
            // An empty match: go on behind the character it stands before.
            from = ends[1] + 1;
            while (from < text.size() && (static_cast<uint8_t>(text[from]) & 0xC0) == 0x80) ++from;
        }
        pcre2_match_data_free(match);
    }

  private:
    pcre2_code* m_code;
};

}  // namespace

Result<std::shared_ptr<const WordScanner>> WordScanner::make_regex(const std::string& pattern) {
    int code = 0;
    size_t offset = 0;
    const std::string translated = as_pcre(pattern);
    // Invalid UTF-8 in a text is passed over rather than refused in the middle of a run.
    pcre2_code* const compiled =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &code, &offset, nullptr);
    if (compiled == nullptr) {
        PCRE2_UCHAR reason[128] = {};
        pcre2_get_error_message(code, reason, sizeof(reason));
        return Error{
            .code = ErrorCode::BadTokenizer,
            .message = fmt::format("'{}' is not a regular expression: {} at character {}.",
                                   translated, reinterpret_cast<const char*>(reason), offset + 1),
            .hint = "Fetch the model's tokenizer files again."};
    }
    return std::make_shared<RegexScanner>(compiled);
}

}  // namespace dayrun::core
