// A template as a table of bits: what a named template and a text template have in common.
// Neighbours: named_templates.cpp and text_template.cpp make shapes, shape_renderer.cpp renders
// them. Plain values: any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/recipe/recipe.h"
#include "core/templates/chat_template.h"

namespace dayrun::core {

/// A bit of a turn: words of the template, a special token, or a field.
struct TemplateBit {
    PieceKind kind = PieceKind::Text;
    std::string text = {};     // of Content: the field's name
    bool is_optional = false;  // part of a [[ … ]]
    int group = 0;             // which [[ … ]]: it vanishes when a field in it is empty
    bool is_apart = false;
};

struct TemplateShape {
    std::string name;
    std::vector<TemplateBit> system;        // when there is a system text; field `system`
    std::vector<TemplateBit> first_prompt;  // fields of the sample
    std::vector<TemplateBit> later_prompt;  // field `input` is the turn's text
    bool has_spaces_around_reply = false;
    std::string stop;                      // special token's name; "" for the EOS
    std::vector<TemplateBit> after_reply;  // between a reply's stop token and what follows
    bool strips_content = false;
    bool keeps_blank_fields = false;  // [[ … ]] vanishes for an empty field alone
    std::string system_text;          // default when the sample has none
    TrainOn train_on = TrainOn::Response;
};

/// "[[### Instruction:\n{instruction}\n\n]]### Input:\n{input}" as bits; BadRecipe with the place.
Result<std::vector<TemplateBit>> read_bits(std::string_view text);
/// The same of a text that is known to be right.
std::vector<TemplateBit> known_bits(std::string_view text);

/// The shape of a text template.
Result<TemplateShape> text_shape(const PromptSpec& spec);
/// The shape of a named template; nothing when no template has that name.
std::optional<TemplateShape> named_shape(std::string_view name);

/// Alpaca's opening sentence tells whether there is an input.
std::vector<TemplateBit> alpaca_prompt(bool has_input);

/// Renders dialogues by a shape.
std::unique_ptr<const TemplateRenderer> make_shape_renderer(TemplateShape shape);

}  // namespace dayrun::core
