// Text templates: {field} and [[ … ]]. Errors name line and column, since people write these.
// Neighbours: template_shape.h, template_check.cpp. Plain functions: any thread.
#include <fmt/format.h>

#include <algorithm>

#include "core/data/curate/field_text.h"
#include "core/templates/template_shape.h"

namespace dayrun::core {
namespace {

/// A mistake at a byte of the text; npos when it is about the whole.
Error bad_template(std::string_view text, std::string what, size_t at = std::string_view::npos) {
    Error error{.code = ErrorCode::BadRecipe,
                .message = fmt::format("The template '{}' cannot be read: {}.", text, what),
                .hint =
                    "{field} is a field of the sample; a part in [[ … ]] is left out when a field "
                    "in it is empty."};
    if (at == std::string_view::npos) return error;
    const std::string_view before = text.substr(0, at);
    const size_t line_start = before.rfind('\n') + 1;  // 0 without one
    error.where = {"prompt.template",
                   static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
                   static_cast<int>(at - line_start) + 1};
    return error;
}

}  // namespace

std::vector<TemplateBit> known_bits(std::string_view text) {
    return std::move(read_bits(text)).value();
}

/// "[[### Instruction:\n{instruction}\n\n]]### Input:\n{input}" as bits.
Result<std::vector<TemplateBit>> read_bits(std::string_view text) {
    std::vector<TemplateBit> bits;
    std::string literal;
    int group = 0;
    bool is_optional = false;
    const auto flush = [&] {
        if (!literal.empty()) bits.push_back({PieceKind::Text, literal, is_optional, group});
        literal.clear();
    };
    for (size_t i = 0; i < text.size();) {
        if (text.substr(i, 2) == "[[" || text.substr(i, 2) == "]]") {
            const bool opens = text[i] == '[';
            if (opens == is_optional) {
                return bad_template(text, opens ? "[[ stands inside [[" : "]] has no [[ before it",
                                    i);
            }
            flush();
            is_optional = opens;
            group += opens ? 1 : 0;
            i += 2;
            continue;
        }
        const size_t end = field_name_end(text, i + 1);
        if (text[i] == '{' && end > i + 1 && end < text.size() && text[end] == '}') {
            flush();
            TemplateBit bit{PieceKind::Content, std::string(text.substr(i + 1, end - i - 1)),
                            is_optional, group};
            bits.push_back(std::move(bit));
            i = end + 1;
            continue;
        }
        literal += text[i++];
    }
    if (is_optional) return bad_template(text, "[[ is not closed by ]]", text.rfind("[["));
    flush();
    return bits;
}

Result<TemplateShape> text_shape(const PromptSpec& spec) {
    TemplateShape shape;
    TRY(bits, read_bits(spec.prompt_template));
    const auto is_response = [](const TemplateBit& bit) {
        return bit.kind == PieceKind::Content && bit.text == "response";
    };
    const auto response = std::find_if(bits.begin(), bits.end(), is_response);
    if (response != bits.end()) {
        if (response->is_optional || response + 1 != bits.end()) {
            return bad_template(spec.prompt_template,
                                "{response} must stand at its end, outside [[ … ]], since the stop "
                                "token follows it",
                                spec.prompt_template.find("{response}"));
        }
        bits.pop_back();
    }
    const auto has_field = [&](std::string_view name) {
        return std::any_of(bits.begin(), bits.end(), [&](const TemplateBit& bit) {
            return bit.kind == PieceKind::Content && bit.text == name;
        });
    };
    if (bits.empty() || std::none_of(bits.begin(), bits.end(), [](const TemplateBit& bit) {
            return bit.kind == PieceKind::Content;
        })) {
        return bad_template(spec.prompt_template,
                            fmt::format("it is neither one of {} nor a text with a {{field}} in it",
                                        fmt::join(template_names(), ", ")));
    }
    if (!spec.system.empty() && !has_field("system")) {
        return bad_template(spec.prompt_template, "prompt.system is set but it has no {system}");
    }
    shape.first_prompt = bits;
    shape.later_prompt = std::move(bits);
    return shape;
}

}  // namespace dayrun::core
