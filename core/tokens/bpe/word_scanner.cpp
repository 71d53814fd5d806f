// The written-out scanners: each alternative of a pattern in its order. See word_scanner.h.
#include "core/tokens/bpe/word_scanner.h"

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwenPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

constexpr uint32_t kLongS = 0x17F;  // 'ſ' folds to s

/// Walks one text; every function returns the position behind what it takes.
class Walk {
  public:
    explicit Walk(std::string_view text) : m_text(text) {}

    size_t size() const { return m_text.size(); }
    uint8_t byte(size_t at) const { return static_cast<uint8_t>(m_text[at]); }
    bool is(size_t at, char wanted) const { return at < m_text.size() && m_text[at] == wanted; }
    uint8_t kind(size_t at, uint32_t& size) const {
        const uint8_t first = byte(at);
        if (first < 0x80) {
            size = 1;
            return m_classes[first];
        }
        const Utf8Char found = utf8_char(m_text, at);
        size = found.size;
        return m_classes[found.code];
    }
    /// The end of the run of characters with any of `wanted` (or with none of `unwanted`).
    size_t run(size_t at, uint8_t wanted) const {
        uint32_t size = 0;
        while (at < m_text.size() && (kind(at, size) & wanted) != 0) at += size;
        return at;
    }
    size_t run_without(size_t at, uint8_t unwanted) const {
        uint32_t size = 0;
        while (at < m_text.size() && (kind(at, size) & unwanted) == 0) at += size;
        return at;
    }
    size_t line_breaks(size_t at) const {
        while (at < m_text.size() && (m_text[at] == '\r' || m_text[at] == '\n')) ++at;
        return at;
    }

    /// 's 't 're 've 'm 'll 'd at an apostrophe; `at` when there is none.
    size_t contraction(size_t at, bool ignores_case) const {
        if (at + 1 >= m_text.size()) return at;
        const auto letter = [&](size_t i) -> char {
            if (i >= m_text.size()) return '\0';
            const char c = m_text[i];
            return ignores_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        };
        const char first = letter(at + 1);
        const char second = letter(at + 2);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
        if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
            (first == 'l' && second == 'l')) {
            return at + 3;
        }
        const bool is_long_s = ignores_case && utf8_char(m_text, at + 1).code == kLongS;
        return is_long_s ? at + 3 : at;
    }

    /// \s+(?!\S)|\s+ over the run [at, end): all of it at the end of the text or when it is one
    /// character, else all but the last.
    size_t spaces(size_t at, size_t end) const {
        if (end == m_text.size()) return end;
        const size_t last = end - utf8_char_before(m_text, end).size;
        return last > at ? last : end;
    }

  private:
    std::string_view m_text;
    const uint8_t* m_classes = char_classes();
};

constexpr uint8_t kNotSymbol = kSpace | kLetter | kNumber;

class Gpt2Scanner final : public WordScanner {
  public:
    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        const Walk walk(text);
        size_t at = 0;
        while (at < text.size()) {
            const size_t end = word(walk, at);
            matches.push_back({at, end});
            at = end;
        }
    }

  private:
    static size_t word(const Walk& walk, size_t at) {
        if (walk.is(at, '\'')) {
            const size_t end = walk.contraction(at, false);
            if (end > at) return end;
        }
        // " ?" goes with whatever of the three kinds follows.
        const size_t from = walk.is(at, ' ') && at + 1 < walk.size() ? at + 1 : at;
        uint32_t size = 0;
        const uint8_t kind = walk.kind(from, size);
        if (kind & kLetter) return walk.run(from + size, kLetter);
        if (kind & kNumber) return walk.run(from + size, kNumber);
        if (!(kind & kSpace)) return walk.run_without(from + size, kNotSymbol);
        return walk.spaces(at, walk.run(at, kSpace));
    }
};

/// Llama 3 and Qwen; `digits` is how many numbers a word may hold.
class ChatScanner final : public WordScanner {
  public:
    explicit ChatScanner(int digits) : m_digits(digits) {}

    void scan(std::string_view text, std::vector<WordMatch>& matches) const override {
        const Walk walk(text);
        size_t at = 0;
        while (at < text.size()) {
            const size_t end = word(walk, at);
            matches.push_back({at, end});
            at = end;
        }
    }

  private:
    size_t word(const Walk& walk, size_t at) const {
        uint32_t size = 0;
        const uint8_t kind = walk.kind(at, size);
        if (kind & kLetter) return walk.run(at + size, kLetter);
        if (kind & kNumber) return numbers(walk, at + size);
        if (walk.is(at, '\'')) {
            const size_t end = walk.contraction(at, true);
            if (end > at) return end;
        }
        // [^\r\n\p{L}\p{N}]?\p{L}+ : any other character but a line break goes with letters.
        uint32_t next_size = 0;
        const size_t next = at + size;
        const bool has_next = next < walk.size();
        const uint8_t next_kind = has_next ? walk.kind(next, next_size) : uint8_t{kSpace};
        if (!(kind & kLineBreak) && (next_kind & kLetter)) {
            return walk.run(next + next_size, kLetter);
        }
        // " ?[^\s\p{L}\p{N}]+[\r\n]*"
        if (!(kind & kSpace)) return walk.line_breaks(walk.run_without(next, kNotSymbol));
        if (walk.is(at, ' ') && has_next && !(next_kind & kNotSymbol)) {
            return walk.line_breaks(walk.run_without(next + next_size, kNotSymbol));
        }
        // \s*[\r\n]+ ends behind the last line break of the run.
        const size_t end = walk.run(at, kSpace);
        for (size_t last = end; last > at; --last) {
            if (walk.is(last - 1, '\r') || walk.is(last - 1, '\n')) return last;
        }
        return walk.spaces(at, end);
    }

    size_t numbers(const Walk& walk, size_t at) const {
        uint32_t size = 0;
        for (int i = 1; i < m_digits && at < walk.size(); ++i) {
            if (!(walk.kind(at, size) & kNumber)) break;
            at += size;
        }
        return at;
    }

    int m_digits;
};

}  // namespace

Result<std::shared_ptr<const WordScanner>> WordScanner::make(const std::string& pattern) {
    if (pattern == kGpt2Pattern) return std::make_shared<Gpt2Scanner>();
    if (pattern == kLlama3Pattern) return std::make_shared<ChatScanner>(3);
    if (pattern == kQwenPattern) return std::make_shared<ChatScanner>(1);
    return make_regex(pattern);
}

}  // namespace dayrun::core
