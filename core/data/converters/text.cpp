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
    const MemberText text(row, "text");
    if (is_blank(text)) {
        out.drop_reasons.emplace_back("no text");
        return;
    }
    Sample& sample = out.samples.add();
    sample.set_field("text", text);
    keep_plain_fields(row, sample);
}

}  // namespace

const Converter kText{
    .name = "text",
    .title = "Plain text",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
