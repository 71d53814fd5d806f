// Text questions of the data path. Neighbours: filter, dedupe, split. Any thread.
#include "core/data/text.h"

#include <simdjson.h>

#include <cstring>

namespace dayrun::core {
namespace {

__extension__ using Wide = unsigned __int128;

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/// Folds the 128-bit product: every input bit reaches every output bit.
uint64_t mixed(uint64_t a, uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load_bytes(const char* bytes, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; ++i) {
        word |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    return word;
}

uint32_t lower_code_point(uint32_t c) {
    if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;                  // Latin-1
    if (c >= 0x100 && c <= 0x137 && c % 2 == 0 && c != 0x130) return c + 1;  // Latin Extended-A
    if (c >= 0x391 && c <= 0x3A9) return c + 32;                             // Greek
    if (c >= 0x410 && c <= 0x42F) return c + 32;                             // Cyrillic
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    return c;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
    return simdjson::validate_utf8(text.data(), text.size());
}

size_t utf8_floor(std::string_view text, size_t position) {
    if (position >= text.size()) return text.size();
    while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80) --position;
    return position;
}

int64_t count_words(std::string_view text) {
    int64_t count = 0;
    bool in_word = false;
    for (const char c : text) {
        const bool is_word = !is_space(c);
        if (is_word && !in_word) ++count;
        in_word = is_word;
    }
    return count;
}

bool is_blank(std::string_view text) {
    return trim(text).empty();
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    for (size_t i = 0; i < out.size(); ++i) {
        const auto c = static_cast<unsigned char>(out[i]);
        if (c >= 'A' && c <= 'Z') {
            out[i] = static_cast<char>(c + 32);
        } else if ((c & 0xE0) == 0xC0 && i + 1 < out.size()) {
            // These letters take two bytes before and after.
            const auto second = static_cast<unsigned char>(out[i + 1]);
            const uint32_t lower = lower_code_point((c & 0x1Fu) << 6 | (second & 0x3Fu));
            out[i] = static_cast<char>(0xC0 | lower >> 6);
            out[i + 1] = static_cast<char>(0x80 | (lower & 0x3F));
            ++i;
        }
    }
    return out;
}

uint64_t hash_text(std::string_view text, uint64_t seed) {
    constexpr uint64_t kFirst = 0x9E3779B97F4A7C15u;
    constexpr uint64_t kSecond = 0xD6E8FEB86659FD93u;
    uint64_t state = mixed(seed ^ kFirst, text.size() + kSecond);
    size_t i = 0;
    for (; i + 16 <= text.size(); i += 16) {
        uint64_t words[2];
        std::memcpy(words, text.data() + i, 16);
        state = mixed(words[0] ^ kFirst ^ state, words[1] ^ kSecond);
    }
    const size_t rest = text.size() - i;
    const uint64_t low = load_bytes(text.data() + i, rest < 8 ? rest : 8);
    const uint64_t high = rest > 8 ? load_bytes(text.data() + i + 8, rest - 8) : 0;
    return mixed(mixed(low ^ kFirst ^ state, high ^ kSecond), state ^ kSecond);
}

}  // namespace dayrun::core
