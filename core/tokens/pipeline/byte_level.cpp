// Body of byte_level.h.
#include "core/tokens/pipeline/byte_level.h"

#include <array>
#include <cstdint>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

constexpr uint32_t kFirstMoved = 0x100;
constexpr size_t kTableSize = 0x100 + 68;

struct Tables {
    std::array<uint16_t, 256> code_of_byte{};
    std::array<int16_t, kTableSize> byte_of_code{};
};

bool is_printable(uint32_t byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

Tables make_tables() {
    Tables tables;
    tables.byte_of_code.fill(-1);
    uint32_t moved = kFirstMoved;
    for (uint32_t byte = 0; byte < 256; ++byte) {
        const uint32_t code = is_printable(byte) ? byte : moved++;
        tables.code_of_byte[byte] = static_cast<uint16_t>(code);
        tables.byte_of_code[code] = static_cast<int16_t>(byte);
    }
    return tables;
}

const Tables& tables() {
    static const Tables s_tables = make_tables();
    return s_tables;
}

/// How many bytes at `at` are a proper start of a character; at least 1.
size_t broken_length(std::string_view bytes, size_t at) {
    const auto byte = [&](size_t i) {
        return at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : uint8_t{0};
    };
    const uint8_t first = byte(0);
    size_t wanted = 1;
    uint8_t low = 0x80;
    uint8_t high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) wanted = 2;
    if (first >= 0xE0 && first <= 0xEF) wanted = 3;
    if (first >= 0xF0 && first <= 0xF4) wanted = 4;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
    size_t length = 1;
    while (length < wanted && byte(length) >= low && byte(length) <= high) {
        ++length;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

}  // namespace

std::optional<std::string> bytes_of_printable(std::string_view text) {
    std::string bytes;
    for (size_t at = 0; at < text.size();) {
        const Utf8Char next = utf8_char(text, at);
        if (next.code >= kTableSize || tables().byte_of_code[next.code] < 0) return std::nullopt;
        bytes += static_cast<char>(tables().byte_of_code[next.code]);
        at += next.size;
    }
    return bytes;
}

std::string printable_of_bytes(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const uint32_t code = tables().code_of_byte[static_cast<uint8_t>(c)];
        if (code < 0x80) {
            text += static_cast<char>(code);
        } else {
            text += static_cast<char>(0xC0 | (code >> 6));
            text += static_cast<char>(0x80 | (code & 0x3F));
        }
    }
    return text;
}

std::string lossy_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (size_t at = 0; at < bytes.size();) {
        const Utf8Char next = utf8_char(bytes, at);
        const bool is_broken = next.size == 1 && static_cast<uint8_t>(bytes[at]) >= 0x80;
        if (is_broken) {
            text += "\xEF\xBF\xBD";
            at += broken_length(bytes, at);
        } else {
            text += bytes.substr(at, next.size);
            at += next.size;
        }
    }
    return text;
}

}  // namespace dayrun::core
