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
#include "core/templates/text_piece.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// One way to turn samples into pieces; see ChatTemplate for what its members do.
class TemplateRenderer {
  public:
    virtual ~TemplateRenderer() = default;
    virtual Result<RenderedSample> render(const Sample& sample) const = 0;
    virtual Result<RenderedSample> render_prompt(const Sample& sample) const = 0;
    virtual Result<void> check_fields(const Sample& sample) const = 0;
    virtual std::vector<std::string> notes() const { return {}; }
};

class ChatTemplate {
  public:
    /// A named template, or a text with {field} and [[ … ]]. BadRecipe, with line and column, for a
    /// text that cannot be read.
    static Result<ChatTemplate> make(const PromptSpec& spec);
    /// The same for a recipe's prompt, `model` included: the chat_template in the base's folder.
    /// `tokenizer` must outlive the template. BadTokenizer, FileMissing or Unsupported when that
    /// cannot be used.
    static Result<ChatTemplate> make(const Recipe& recipe, const Tokenizer* tokenizer);
    ChatTemplate(ChatTemplate&&) noexcept;
    ~ChatTemplate();

    /// Everything the model reads of a sample, in order. The stop token follows every reply; it is
    /// trained where its reply is. BadData with the template's own words when a model's template
    /// refuses the dialogue.
    Result<RenderedSample> render(const Sample& sample) const;
    /// The same up to where the last reply starts: what generation begins with.
    Result<RenderedSample> render_prompt(const Sample& sample) const;

    /// BadRecipe naming the fields there are, when the template uses one this sample lacks.
    Result<void> check_fields(const Sample& sample) const;
    /// Sentences on what to know about this template, for the log and the pre-flight sheet.
    std::vector<std::string> notes() const { return m_renderer->notes(); }
    /// Changes when rendering changes; part of the token cache's key.
    const std::string& fingerprint() const { return m_fingerprint; }

  private:
    ChatTemplate(std::unique_ptr<const TemplateRenderer> renderer, std::string fingerprint);
    std::unique_ptr<const TemplateRenderer> m_renderer;
    std::string m_fingerprint;
};

/// The named templates, without `model`.
std::vector<std::string> template_names();

// What all kinds of templates share.

/// A plain text: all of it trained, ended by the EOS.
std::vector<TextPiece> plain_text_pieces(const Sample& sample);
/// Whether the loss covers the reply `sample.messages()[message]`.
bool is_trained_turn(const Sample& sample, size_t message, TrainOn train_on);
/// RenderedSample::unfit as far as the marks of turns that are no reply are the reason.
std::string unfit_marks(const Sample& sample, TrainOn train_on);

}  // namespace dayrun::core
