// Cutting text into words by code point. Neighbour: text.h. Any thread.
#include "core/data/curate/words.h"

#include <array>

#include "core/data/curate/filter.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

enum class Kind : uint8_t { Break, Letter, Alone };

/// ASCII letters and digits in lower case; 0 for what breaks words.
constexpr std::array<char, 128> make_lower() {
    std::array<char, 128> lower{};
    for (int c = '0'; c <= '9'; ++c) lower[static_cast<size_t>(c)] = static_cast<char>(c);
    for (int c = 'a'; c <= 'z'; ++c) {
        lower[static_cast<size_t>(c)] = static_cast<char>(c);
        lower[static_cast<size_t>(c - 32)] = static_cast<char>(c);
    }
    return lower;
}
constexpr std::array<char, 128> kLower = make_lower();

Kind kind_of(uint32_t c) {
    const bool is_punctuation = (c >= 0x80 && c <= 0xBF && c != 0xAA && c != 0xB5 && c != 0xBA) ||
                                (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x303F) ||
                                (c >= 0xFF00 && c <= 0xFF0F) || c == 0xD7 || c == 0xF7;
    if (is_punctuation) return Kind::Break;
    const bool is_alone = (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
                          (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
    return is_alone ? Kind::Alone : Kind::Letter;
}

/// The code point at `at` and its length; a broken byte counts as one letter.
uint32_t code_point(std::string_view text, size_t at, size_t& length) {
    const auto byte = [&](size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const uint32_t first = byte(0);
    length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (at + length > text.size()) length = 1;
    if (length == 1) return 0xC0;
    uint32_t c = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3Fu);
    return c;
}

/// FNV-1a over the word's bytes, spread by a product: short words differ in all bits.
class WordHash {
  public:
    void add(char c) { m_state = (m_state ^ static_cast<unsigned char>(c)) * 0x100000001B3u; }
    uint32_t take() {
        const auto hash = static_cast<uint32_t>((m_state * 0x9E3779B97F4A7C15u) >> 32);
        m_state = kStart;
        return hash == kPartEnd ? 1 : hash;
    }

  private:
    static constexpr uint64_t kStart = 0xCBF29CE484222325u;
    uint64_t m_state = kStart;
};

/// Calls `take(hash, begin, end)` for every word.
template <typename Take>
void each_word(std::string_view text, const Take& take) {
    WordHash hash;
    size_t begin = std::string_view::npos;
    const auto close = [&](size_t end) {
        if (begin == std::string_view::npos) return;
        take(hash.take(), begin, end);
        begin = std::string_view::npos;
    };
    for (size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c < 0x80) {
            const char lower = kLower[c];
            if (lower == 0) {
                close(at);
            } else {
                if (begin == std::string_view::npos) begin = at;
                hash.add(lower);
            }
            ++at;
            continue;
        }
        size_t length = 1;
        const Kind kind = kind_of(code_point(text, at, length));
        if (kind != Kind::Letter) close(at);
        if (kind != Kind::Break) {
            if (begin == std::string_view::npos) begin = at;
            const std::string_view letter = text.substr(at, length);
            if (length == 2) {
                for (const char byte : to_lower(letter)) hash.add(byte);
            } else {
                for (const char byte : letter) hash.add(byte);
            }
        }
        at += length;
        if (kind == Kind::Alone) close(at);
    }
    close(text.size());
}

void append_words(std::string_view text, std::vector<uint32_t>& hashes) {
    each_word(text, [&](uint32_t hash, size_t, size_t) { hashes.push_back(hash); });
    hashes.push_back(kPartEnd);
}

/// What a user's turn says beside the instruction that all samples of its task share.
std::string_view asked(const Message& message, const Sample& sample) {
    const std::string_view instruction = sample.field("instruction");
    const std::string_view input = sample.field("input");
    const bool is_both = message.role == Role::User && !is_blank(instruction) && !is_blank(input) &&
                         message.content.starts_with(instruction) &&
                         message.content.ends_with(input);
    return is_both ? input : message.content;
}

}  // namespace

std::vector<Word> words_of(std::string_view text) {
    std::vector<Word> words;
    each_word(text, [&](uint32_t hash, size_t begin, size_t end) {
        words.push_back({hash, begin, end});
    });
    return words;
}

std::vector<uint32_t> compared_words(const Sample& sample) {
    std::vector<uint32_t> hashes;
    if (!sample.token_ids.empty()) {
        hashes.reserve(sample.token_ids.size());
        for (const int32_t id : sample.token_ids) hashes.push_back(static_cast<uint32_t>(id) + 1);
        return hashes;
    }
    if (sample.messages().empty()) append_words(sample.field("text"), hashes);
    for (const Message message : sample.messages()) {
        if (message.role != Role::System) append_words(asked(message, sample), hashes);
    }
    return hashes;
}

}  // namespace dayrun::core
