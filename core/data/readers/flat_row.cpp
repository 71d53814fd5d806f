// Body of flat_row.h: a pointer runs over the text once and gives up at the first surprise.
#include "core/data/readers/flat_row.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "core/data/readers/record_splitter.h"

namespace dayrun::core {
namespace {

/// As many bytes as are looked at together: what every 64-bit machine has an instruction for.
using Bytes = uint8_t __attribute__((vector_size(16)));
using Words = uint64_t __attribute__((vector_size(16)));
constexpr size_t kStep = 2 * sizeof(Bytes);
static_assert(kStep <= kTextPadding);

Words marks_in(const char* at) {
    Bytes bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    // Control characters are those without any of the three high bits.
    return (Words)((bytes == '"') | (bytes == '\\') | ((bytes & 0xE0) == 0));
}

/// Place of the first byte that is marked, from 0; 16 when there is none.
int first_mark(Words marks) {
    if (marks[0] != 0) return std::countr_zero(marks[0]) / 8;
    return 8 + std::countr_zero(marks[1]) / 8;
}

/// The first byte from `at` that is a quote, a backslash or a control character. The padding may be
/// looked at; the caller knows where the text ends.
const char* next_mark(const char* at, const char* end) {
    for (; at < end; at += kStep) {
        const Words low = marks_in(at);
        const Words high = marks_in(at + sizeof(Bytes));
        const Words both = low | high;
        if ((both[0] | both[1]) == 0) continue;
        const int place = first_mark(low);
        return at + (place < 16 ? place : 16 + first_mark(high));
    }
    return end;
}
static_assert(std::endian::native == std::endian::little,
              "next_mark counts bytes from the low end");

constexpr std::array<char, 256> make_escapes() {
    std::array<char, 256> escapes{};
    for (const auto& [letter, meant] : {std::pair{'"', '"'},
                                        {'\\', '\\'},
                                        {'/', '/'},
                                        {'b', '\b'},
                                        {'f', '\f'},
                                        {'n', '\n'},
                                        {'r', '\r'},
                                        {'t', '\t'}}) {
        escapes[static_cast<unsigned char>(letter)] = meant;
    }
    return escapes;
}
/// What stands behind a backslash, by its letter; 0 for \u and for what is no escape.
constexpr std::array<char, 256> kEscapes = make_escapes();

class FlatRowReader {
  public:
    explicit FlatRowReader(std::string_view text)
        : m_at(text.data()), m_end(text.data() + text.size()) {}

    bool read(Value& row) {
        Value::Object& members = row.object();
        size_t count = 0;
        if (!take('{')) return false;
        do {
            if (count == members.size()) members.emplace_back();
            Member& member = members[count++];
            skip_space();
            if (!take('"') || !read_string(member.name)) return false;
            skip_space();
            if (!take(':')) return false;
            skip_space();
            if (!read_value(member.value)) return false;
            skip_space();
        } while (take(','));
        members.resize(count);
        return take('}') && m_at == m_end;
    }

  private:
    bool take(char c) {
        const bool is_there = m_at < m_end && *m_at == c;
        m_at += is_there ? 1 : 0;
        return is_there;
    }
    void skip_space() {
        while (m_at < m_end && (*m_at == ' ' || *m_at == '\t' || *m_at == '\n' || *m_at == '\r')) {
            ++m_at;
        }
    }

    /// Behind the opening quote, up to and with the closing one.
    bool read_string(std::string& out) {
        const char* mark = next_mark(m_at, m_end);
        out.assign(m_at, mark);
        while (true) {
            if (mark >= m_end) return false;
            m_at = mark + 1;
            if (*mark == '"') return true;
            if (*mark != '\\' || !read_escape(out)) return false;
            mark = next_mark(m_at, m_end);
            out.append(m_at, mark);
        }
    }

    bool read_escape(std::string& out) {
        if (m_at >= m_end) return false;
        const char letter = *m_at++;
        const char meant = kEscapes[static_cast<unsigned char>(letter)];
        if (meant != 0) {
            out += meant;
            return true;
        }
        uint32_t code = 0;
        if (letter != 'u' || !read_hex(code)) return false;
        if (code >= 0xD800 && code < 0xE000) {
            // A pair stands for one character; a half of one is simdjson's to refuse.
            uint32_t low = 0;
            if (code >= 0xDC00 || !take('\\') || !take('u') || !read_hex(low)) return false;
            if (low < 0xDC00 || low >= 0xE000) return false;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(code, out);
        return true;
    }

    bool read_hex(uint32_t& code) {
        if (m_end - m_at < 4) return false;
        for (int i = 0; i < 4; ++i) {
            const char c = *m_at++;
            const char lower = static_cast<char>(c | 0x20);
            const bool is_digit = c >= '0' && c <= '9';
            if (!is_digit && (lower < 'a' || lower > 'f')) return false;
            code = code << 4 | static_cast<uint32_t>(is_digit ? c - '0' : lower - 'a' + 10);
        }
        return true;
    }

    static void append_utf8(uint32_t code, std::string& out) {
        const auto add = [&](uint32_t byte) { out += static_cast<char>(byte); };
        if (code < 0x80) {
            add(code);
        } else if (code < 0x800) {
            add(0xC0 | code >> 6);
            add(0x80 | (code & 0x3F));
        } else if (code < 0x10000) {
            add(0xE0 | code >> 12);
            add(0x80 | (code >> 6 & 0x3F));
            add(0x80 | (code & 0x3F));
        } else {
            add(0xF0 | code >> 18);
            add(0x80 | (code >> 12 & 0x3F));
            add(0x80 | (code >> 6 & 0x3F));
            add(0x80 | (code & 0x3F));
        }
    }

    bool read_value(Value& value) {
        if (take('"')) return read_string(value.string());
        if (take_word("null")) {
            value = Value();
        } else if (take_word("true")) {
            value = Value(true);
        } else if (take_word("false")) {
            value = Value(false);
        } else {
            return read_whole_number(value);
        }
        return true;
    }

    bool take_word(std::string_view word) {
        const bool is_there =
            std::string_view(m_at, static_cast<size_t>(m_end - m_at)).starts_with(word);
        m_at += is_there ? word.size() : 0;
        return is_there;
    }

    /// At most 18 digits, which always fit; what follows them tells whether the number goes on.
    bool read_whole_number(Value& value) {
        const bool is_negative = take('-');
        const char* const begin = m_at;
        int64_t number = 0;
        while (m_at < m_end && *m_at >= '0' && *m_at <= '9' && m_at - begin < 18) {
            number = 10 * number + (*m_at++ - '0');
        }
        const bool has_leading_zero = m_at - begin > 1 && *begin == '0';
        if (m_at == begin || m_at == m_end || has_leading_zero) return false;
        value = Value(is_negative ? -number : number);
        return *m_at == ',' || *m_at == '}' || *m_at == ' ' || *m_at == '\t' || *m_at == '\n' ||
               *m_at == '\r';
    }

    const char* m_at;
    const char* m_end;
};

}  // namespace

bool read_flat_row(std::string_view text, Utf8 utf8, Value& row) {
    const bool is_valid = utf8 == Utf8::Checked || is_valid_utf8(text);
    return is_valid && FlatRowReader(text).read(row);
}

}  // namespace dayrun::core
