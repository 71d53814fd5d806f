// Plain text: the loss covers every token. Neighbour: converters.cpp. Any thread.
#include "core/data/text.h"
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    const Value* const text = row.find("text");
    return text != nullptr && text->is_string();
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"text"}, out)) return;
    Sample sample;
    sample.fields["text"] = text_of(row, "text");
    if (is_blank(sample.fields["text"])) {
        out.drop_reasons.emplace_back("no text");
        return;
    }
    for (const Member& member : row.object()) {
        if (member.value.is_array() || member.value.is_object()) continue;
        sample.fields.try_emplace(member.name, member.value.text());
    }
    out.samples.push_back(std::move(sample));
}

}  // namespace

const Converter kText{"text", "Plain text", "", "", fits, convert};

}  // namespace dayrun::core
