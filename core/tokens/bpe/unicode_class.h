// What kind of character a code point is, as the tokenizers' regular expressions ask: letter,
// number, white space. One byte per code point, made once from utf8proc's tables. Any thread.
// Neighbours: word_scanner.cpp, normal_form.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dayrun::core {

enum CharClass : uint8_t {
    kLetter = 1,        // \p{L}
    kNumber = 2,        // \p{N}
    kSpace = 4,         // \s: Unicode White_Space
    kLineBreak = 8,     // \r or \n
    kPunctuation = 16,  // \p{P}, and ASCII symbols as Bert counts them
    kWord = 32,         // \w: Alphabetic, marks, decimal digits, connectors, joiners
};

inline constexpr int32_t kCodePoints = 0x110000;

/// The table of all code points.
const uint8_t* char_classes();

/// Calls `visit` with every code point of the planes that have characters of a kind: in planes 4 to
/// 13 none is assigned, and 15 and 16 are for private use.
template <typename Visit>
void for_assigned(const Visit& visit) {
    for (const int32_t plane : {0x0, 0x1, 0x2, 0x3, 0xE}) {
        for (int32_t code = plane << 16; code < (plane + 1) << 16; ++code) visit(code);
    }
}

/// One character of valid UTF-8: its code point and bytes. An invalid byte is U+FFFD of one byte.
struct Utf8Char {
    uint32_t code = 0;
    uint32_t size = 1;
};

inline Utf8Char utf8_char(std::string_view text, size_t at) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
    const uint8_t first = byte(0);
    if (first < 0x80) return {first, 1};
    const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
    const size_t left = text.size() - at;
    if (first >= 0xC2 && first < 0xE0 && left >= 2 && tail(1)) {
        return {static_cast<uint32_t>((first & 0x1F) << 6 | (byte(1) & 0x3F)), 2};
    }
    if (first >= 0xE0 && first < 0xF0 && left >= 3 && tail(1) && tail(2)) {
        const uint32_t code =
            static_cast<uint32_t>((first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F));
        if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) return {code, 3};
    }
    if (first >= 0xF0 && first < 0xF5 && left >= 4 && tail(1) && tail(2) && tail(3)) {
        const uint32_t code = static_cast<uint32_t>((first & 0x07) << 18 | (byte(1) & 0x3F) << 12 |
                                                    (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F));
        if (code >= 0x10000 && code < 0x110000) return {code, 4};
    }
    return {0xFFFD, 1};
}

/// The character that ends right before `at` (which is not 0).
inline Utf8Char utf8_char_before(std::string_view text, size_t at) {
    size_t start = at - 1;
    while (start > 0 && at - start < 4 && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80)
        --start;
    const Utf8Char found = utf8_char(text, start);
    return start + found.size == at ? found : Utf8Char{0xFFFD, 1};
}

inline void append_utf8(uint32_t code, std::string& out) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | (code >> 6));
        tail(0);
    } else if (code < 0x10000) {
        out += static_cast<char>(0xE0 | (code >> 12));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0 | (code >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
}

}  // namespace dayrun::core
