// Body of field_text.h.
#include "core/data/curate/field_text.h"

#include <fmt/format.h>

#include <cctype>

namespace dayrun::core {

size_t field_name_end(std::string_view text, size_t at) {
    while (at < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_')) {
        ++at;
    }
    return at;
}

FieldText::FieldText(std::string_view text) {
    std::string literal;
    for (size_t at = 0; at < text.size();) {
        const size_t end = field_name_end(text, at + 1);
        const bool is_field =
            text[at] == '{' && end > at + 1 && end < text.size() && text[end] == '}';
        if (!is_field) {
            literal += text[at++];
            continue;
        }
        if (!literal.empty()) m_parts.push_back({std::move(literal), false});
        literal.clear();
        m_parts.push_back({std::string(text.substr(at + 1, end - at - 1)), true});
        at = end + 1;
    }
    if (!literal.empty()) m_parts.push_back({std::move(literal), false});
}

Result<std::string> FieldText::filled(const Sample& sample) const {
    std::string out;
    for (const Part& part : m_parts) {
        if (!part.is_field) {
            out += part.text;
            continue;
        }
        if (!sample.has_field(part.text)) {
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("data[].fields names {{{}}}, which the samples do "
                                                "not have.",
                                                part.text),
                         .hint = "Their fields are:" + sample.field_names() + "."};
        }
        out += sample.field(part.text);
    }
    return out;
}

}  // namespace dayrun::core
