// `prompt.template: model`: the model's own chat_template, rendered by core/tokens/jinja. What is
// trained is known by where each character came from: a reply reaches from where the template
// would let the model write to its stop token. Neighbours: chat_template.h, jinja/template.h.
// Read-only once made: any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"
#include "core/templates/chat_template.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// A chat_template as a model's folder holds it.
struct ModelTemplate {
    std::string text;
    std::string file;  // where it was found
    /// What the template may call bos_token, eos_token, unk_token, pad_token.
    std::vector<std::pair<std::string, std::string>> special_tokens;

    std::string fingerprint() const;
};

/// chat_template.jinja, chat_template.json, or the key of tokenizer_config.json ("default" of a
/// list), in this order. BadTokenizer when there is none.
Result<ModelTemplate> read_model_template(const std::filesystem::path& folder);

/// `tokenizer` must outlive the renderer. BadTokenizer or Unsupported with the place in the
/// template; BadRecipe when it refuses spec.system.
Result<std::unique_ptr<const TemplateRenderer>> make_model_renderer(const ModelTemplate& source,
                                                                    const PromptSpec& spec,
                                                                    const Tokenizer& tokenizer);

}  // namespace dayrun::core
