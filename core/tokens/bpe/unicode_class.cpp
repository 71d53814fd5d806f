// Fills the table of unicode_class.h from utf8proc's general categories.
#include "core/tokens/bpe/unicode_class.h"

#include <utf8proc.h>

#include <utility>
#include <vector>

namespace dayrun::core {
namespace {

constexpr uint32_t bit(int category) {
    return uint32_t{1} << category;
}

constexpr uint32_t kLetters = bit(UTF8PROC_CATEGORY_LU) | bit(UTF8PROC_CATEGORY_LL) |
                              bit(UTF8PROC_CATEGORY_LT) | bit(UTF8PROC_CATEGORY_LM) |
                              bit(UTF8PROC_CATEGORY_LO);
constexpr uint32_t kMarks =
    bit(UTF8PROC_CATEGORY_MN) | bit(UTF8PROC_CATEGORY_MC) | bit(UTF8PROC_CATEGORY_ME);
constexpr uint32_t kNumbers =
    bit(UTF8PROC_CATEGORY_ND) | bit(UTF8PROC_CATEGORY_NL) | bit(UTF8PROC_CATEGORY_NO);
constexpr uint32_t kPunctuations = bit(UTF8PROC_CATEGORY_PC) | bit(UTF8PROC_CATEGORY_PD) |
                                   bit(UTF8PROC_CATEGORY_PS) | bit(UTF8PROC_CATEGORY_PE) |
                                   bit(UTF8PROC_CATEGORY_PI) | bit(UTF8PROC_CATEGORY_PF) |
                                   bit(UTF8PROC_CATEGORY_PO);
constexpr uint32_t kSeparators =
    bit(UTF8PROC_CATEGORY_ZS) | bit(UTF8PROC_CATEGORY_ZL) | bit(UTF8PROC_CATEGORY_ZP);
constexpr uint32_t kWords = kLetters | kMarks | bit(UTF8PROC_CATEGORY_ND) |
                            bit(UTF8PROC_CATEGORY_NL) | bit(UTF8PROC_CATEGORY_PC);

uint8_t class_of(int32_t code) {
    const uint32_t category = bit(utf8proc_category(code));
    uint8_t result = 0;
    if (category & kLetters) result |= kLetter;
    if (category & kNumbers) result |= kNumber;
    if (category & kPunctuations) result |= kPunctuation;
    if (category & kSeparators) result |= kSpace;
    if (category & kWords) result |= kWord;
    return result;
}

std::vector<uint8_t> make_table() {
    std::vector<uint8_t> table(kCodePoints, 0);
    for_assigned([&](int32_t code) { table[static_cast<size_t>(code)] = class_of(code); });
    // White_Space is the separators and these control characters.
    for (const size_t control : {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85}) {
        table[control] |= kSpace;
    }
    // Word characters by their property alone: the joiners, and letters in circles and squares.
    for (const auto& [first, last] :
         {std::pair{0x200C, 0x200D}, std::pair{0x24B6, 0x24E9}, std::pair{0x1F130, 0x1F149},
          std::pair{0x1F150, 0x1F169}, std::pair{0x1F170, 0x1F189}}) {
        for (int code = first; code <= last; ++code) table[static_cast<size_t>(code)] |= kWord;
    }
    table['\r'] |= kLineBreak;
    table['\n'] |= kLineBreak;
    for (const char symbol : {'$', '+', '<', '=', '>', '^', '`', '|', '~'}) {
        table[static_cast<size_t>(symbol)] |= kPunctuation;
    }
    return table;
}

}  // namespace

const uint8_t* char_classes() {
    static const std::vector<uint8_t> s_table = make_table();
    return s_table.data();
}

}  // namespace dayrun::core
