// A sample as text pieces, each marked trained or masked by its place in the structure, never by a
// search for markers. Neighbours: encode.cpp tokenizes the pieces, the token lens shows their
// parts. Read-only after make(): any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"

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
};

class ChatTemplate {
  public:
    /// A named template, or a text with {field} and [[ … ]]. Unsupported for `model`; BadRecipe for
    /// a text that cannot be read.
    static Result<ChatTemplate> make(const PromptSpec& spec);
    ChatTemplate(ChatTemplate&&) noexcept;
    ~ChatTemplate();

    /// Everything the model reads of a sample, in order. The stop token follows every reply; it is
    /// trained where its reply is.
    std::vector<TextPiece> render(const Sample& sample) const;
    /// The same up to where the last reply starts: what generation begins with.
    std::vector<TextPiece> render_prompt(const Sample& sample) const;

    /// BadRecipe naming the fields there are, when the template uses one this sample lacks.
    Result<void> check_fields(const Sample& sample) const;
    /// Changes when rendering changes; part of the token cache's key.
    const std::string& fingerprint() const;

    struct Shape;

  private:
    explicit ChatTemplate(std::unique_ptr<const Shape> shape);
    std::unique_ptr<const Shape> m_shape;
};

/// The named templates, without `model`.
std::vector<std::string> template_names();

}  // namespace dayrun::core
