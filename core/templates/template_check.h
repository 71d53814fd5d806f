// A template while it is being written: the first mistake with its place, or what the model would
// see of a sample, span by span. Neighbours: chat_template.h; the window asks at each keystroke.
// Plain functions: any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// One stretch of the rendered sample.
struct TemplateSpan {
    std::string text;  // of a special token its name; "" for the EOS of an unknown tokenizer
    std::string part;  // "template", "system", "instruction", "input", "response", "stop", …
    bool is_trained = false;
};

struct TemplateCheck {
    std::optional<Error> error;  // with line and column where the mistake has a place
    std::vector<TemplateSpan> spans;
    std::vector<std::string> notes;  // what to know: an added stop token, nothing trained
};

/// recipe.prompt on one sample. Without a tokenizer the model's own template cannot be shown.
TemplateCheck check_template(const Recipe& recipe, const Tokenizer* tokenizer,
                             const Sample& sample);

/// A small dialogue with every field that templates name, for when there is no data yet.
Sample example_sample();

}  // namespace dayrun::core
