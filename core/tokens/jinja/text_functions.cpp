// The operations on texts behind filters and methods; each keeps where the characters came from.
// Neighbour: functions.h.
#include <algorithm>

#include "core/data/text.h"
#include "core/tokens/bpe/unicode_class.h"
#include "core/tokens/jinja/functions.h"
#include "core/tokens/jinja/lexer.h"

namespace dayrun::core::jinja {

size_t character_size(std::string_view text, size_t at) {
    size_t end = at + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    return end - at;
}

Text lowered(const Text& text) {
    Text out;
    size_t at = 0;
    for (const Run& run : text.runs()) {
        Text part(to_lower(std::string_view(text.bytes()).substr(at, run.size)), run.origin);
        if (run.is_generated) part.mark_generated();
        out.append(part);
        at += run.size;
    }
    return out;
}

/// ASCII, and the two-byte letters of Latin, Greek and Cyrillic that to_lower() knows: a letter is
/// raised to the one whose lower case it is.
Text raised(const Text& text) {
    Text out;
    size_t at = 0;
    for (const Run& run : text.runs()) {
        std::string bytes = text.bytes().substr(at, run.size);
        for (size_t i = 0; i < bytes.size();) {
            const size_t size = character_size(bytes, i);
            if (size == 1 && bytes[i] >= 'a' && bytes[i] <= 'z') {
                bytes[i] = static_cast<char>(bytes[i] - 'a' + 'A');
            } else if (size == 2) {
                const std::string letter = bytes.substr(i, 2);
                const uint32_t code = (static_cast<uint32_t>(letter[0] & 0x1F) << 6) |
                                      static_cast<uint32_t>(letter[1] & 0x3F);
                for (const uint32_t distance : {1u, 32u, 80u}) {
                    std::string upper;
                    append_utf8(code - std::min(distance, code), upper);
                    if (upper.size() == 2 && upper != letter && to_lower(upper) == letter) {
                        bytes.replace(i, 2, upper);
                        break;
                    }
                }
            }
            i += size;
        }
        Text part(std::move(bytes), run.origin);
        if (run.is_generated) part.mark_generated();
        out.append(part);
        at += run.size;
    }
    return out;
}

Text stripped(const Text& text, const Value& characters, bool at_begin, bool at_end) {
    const std::string_view bytes = text.bytes();
    size_t begin = 0;
    size_t end = bytes.size();
    if (characters.text() == nullptr) {
        if (at_begin) begin = stripped_begin(bytes);
        if (at_end) end = std::max(begin, stripped_end(bytes));
        return text.part(begin, end);
    }
    const std::string& set = characters.text()->bytes();
    const auto is_in_set = [&](size_t at, size_t size) {
        const std::string_view character = bytes.substr(at, size);
        for (size_t i = 0; i < set.size(); i += character_size(set, i)) {
            if (std::string_view(set).substr(i, character_size(set, i)) == character) return true;
        }
        return false;
    };
    while (at_begin && begin < end && is_in_set(begin, character_size(bytes, begin))) {
        begin += character_size(bytes, begin);
    }
    while (at_end && end > begin) {
        size_t last = end - 1;
        while (last > begin && (static_cast<unsigned char>(bytes[last]) & 0xC0) == 0x80) --last;
        if (!is_in_set(last, end - last)) break;
        end = last;
    }
    return text.part(begin, end);
}

Result<Text> replaced(const Text& text, const Text& from, const Text& to, int64_t count,
                      Budget& budget) {
    Text out;
    size_t kept = 0;
    // An empty text stands before, between and behind all characters.
    const bool is_empty = from.size() == 0;
    size_t at = 0;
    while (count != 0 && at <= text.size()) {
        at = text.bytes().find(from.bytes(), at);
        if (at == std::string::npos) break;
        TRY_VOID(budget.spend_bytes(to.size()));
        out.append_part(text, kept, at);
        out.append(to);
        kept = at + from.size();
        at = is_empty ? at + character_size(text.bytes(), at) : kept;
        --count;
    }
    out.append_part(text, kept, text.size());
    return out;
}

Text joined(const std::vector<Text>& parts, const Text& separator) {
    Text out;
    for (size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) out.append(separator);
        out.append(parts[i]);
    }
    return out;
}

}  // namespace dayrun::core::jinja
