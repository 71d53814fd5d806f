// Body of space_words.h.
#include "core/tokens/bpe/space_words.h"

namespace dayrun::core {

bool can_split_at_spaces(const BpeModel& model) {
    if (!model.knows_all_bytes()) return false;
    for (const std::string& token : model.vocab().tokens) {
        const std::string_view text = token;
        size_t at = 0;
        while (text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
        if (text.find(kSpaceMark, at) != std::string_view::npos) return false;
    }
    return true;
}

}  // namespace dayrun::core
