// Body of added_tokens.h.
#include "core/tokens/pipeline/added_tokens.h"

#include <algorithm>
#include <utility>

#include "core/tokens/bpe/unicode_class.h"

namespace dayrun::core {
namespace {

bool has_class(uint32_t code, uint8_t wanted) {
    return (char_classes()[code] & wanted) != 0;
}

uint8_t first_byte(const AddedToken& token) {
    return static_cast<uint8_t>(token.content[0]);
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) {
    for (AddedToken& token : tokens) {
        if (!token.content.empty()) m_tokens.push_back(std::move(token));
    }
    std::stable_sort(m_tokens.begin(), m_tokens.end(),
                     [](const AddedToken& a, const AddedToken& b) {
                         return std::pair(first_byte(a), b.content.size()) <
                                std::pair(first_byte(b), a.content.size());
                     });
    for (const AddedToken& token : m_tokens) ++m_first[first_byte(token) + size_t{1}];
    for (size_t i = 1; i < m_first.size(); ++i) m_first[i] += m_first[i - 1];
}

const AddedToken* AddedTokenFinder::next(std::string_view text, size_t& at) const {
    if (m_tokens.empty()) return nullptr;
    for (; at < text.size(); ++at) {
        const auto byte = static_cast<uint8_t>(text[at]);
        const uint32_t end = m_first[byte + size_t{1}];
        for (uint32_t i = m_first[byte]; i < end; ++i) {
            if (text.substr(at).starts_with(m_tokens[i].content)) return &m_tokens[i];
        }
    }
    return nullptr;
}

bool AddedTokenFinder::is_wanted(std::string_view text, const AddedToken& token, size_t begin,
                                 size_t end, SpecialText special) {
    if (special == SpecialText::Plain && token.special) return false;
    if (!token.single_word) return true;
    const bool follows_word = begin > 0 && has_class(utf8_char_before(text, begin).code, kWord);
    const bool leads_word = end < text.size() && has_class(utf8_char(text, end).code, kWord);
    return !follows_word && !leads_word;
}

size_t AddedTokenFinder::strip_left(std::string_view text, size_t done, size_t begin) {
    while (begin > done) {
        const Utf8Char before = utf8_char_before(text, begin);
        if (!has_class(before.code, kSpace)) break;
        begin -= before.size;
    }
    return begin;
}

size_t AddedTokenFinder::strip_right(std::string_view text, size_t end) {
    while (end < text.size()) {
        const Utf8Char next = utf8_char(text, end);
        if (!has_class(next.code, kSpace)) break;
        end += next.size;
    }
    return end;
}

}  // namespace dayrun::core
