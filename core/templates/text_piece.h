// A rendered sample: pieces of text, each marked trained or masked. Values; any thread. Neighbours:
// chat_template.h renders, core/compile/encode tokenizes, the token lens shows the parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

/// What a piece of a rendered sample is.
enum class PieceKind {
    Text,     // template's own words
    Content,  // a field or a turn of the sample
    Special,  // one special token, as plain text where the tokenizer has none of that name
    Stop,     // ends a trained reply: its own special token, else the tokenizer's EOS
};

struct TextPiece {
    PieceKind kind = PieceKind::Text;
    std::string text;  // of Stop: the special token's name, "" for the EOS
    std::string part;  // "template", "system", "instruction", "input", "response", "stop", …
    bool is_trained = false;
    int32_t turn = 0;  // user turn and its reply have one number, from 0; system -1
    /// Rendered with a space in front that a tokenizer with a dummy prefix brings by itself.
    bool has_leading_space = false;
    /// Tokenized apart from the piece before even when both are masked.
    bool is_apart = false;
    /// Goes on where the piece before ends: no dummy prefix of its own, as when the whole dialogue
    /// is tokenized at once.
    bool is_continued = false;
};

/// A sample as its template shows it.
struct RenderedSample {
    std::vector<TextPiece> pieces;
    /// Why it must not be used as it stands, for the count of such rows: a turn that the template
    /// has no place for, a reply without a header of its own, a mark that prompt.train_on cannot
    /// follow. "" when every turn is shown.
    std::string unfit = {};
};

// Reasons of RenderedSample::unfit.
inline constexpr std::string_view kHiddenUser = "the template does not show every user turn";
inline constexpr std::string_view kHiddenSystem = "the template does not show every system text";
inline constexpr std::string_view kHiddenReply = "the template does not show the reply";
inline constexpr std::string_view kJoinedReplies =
    "replies in a row, which the template would run together";
inline constexpr std::string_view kBareReply = "a reply that the template gives no header";

}  // namespace dayrun::core
