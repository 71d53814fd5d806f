// Fills the table of unicode_class.h by ranges.
#include "core/tokens/bpe/unicode_class.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace dayrun::core {
namespace {

constexpr UChar32 kCodePoints = 0x110000;

uint8_t class_of(UCharCategory category) {
    const uint32_t mask = U_MASK(category);
    uint8_t result = 0;
    if (mask & U_GC_L_MASK) result |= kLetter;
    if (mask & U_GC_N_MASK) result |= kNumber;
    if (mask & U_GC_P_MASK) result |= kPunctuation;
    constexpr uint32_t kWords =
        U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_NL_MASK | U_GC_PC_MASK;
    if (mask & kWords) result |= kWord;
    return result;
}

UBool add_range(const void* context, UChar32 start, UChar32 limit, UCharCategory category) {
    auto& table = *static_cast<std::vector<uint8_t>*>(const_cast<void*>(context));
    std::fill(table.begin() + start, table.begin() + limit, class_of(category));
    return true;
}

std::vector<uint8_t> make_table() {
    std::vector<uint8_t> table(kCodePoints, 0);
    u_enumCharTypes(add_range, &table);
    // White space is a short list; everything of it lies below U+3001.
    for (UChar32 code = 0; code <= 0x3000; ++code) {
        if (u_hasBinaryProperty(code, UCHAR_WHITE_SPACE))
            table[static_cast<size_t>(code)] |= kSpace;
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
