// Dolly 15k: instruction, optional context, response. Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "instruction") && has_text(row, "context") && has_text(row, "response");
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"instruction"}, out)) return;
    add_instruction(row, MemberText(row, "instruction"), MemberText(row, "context"),
                    MemberText(row, "response"), {}, out);
}

}  // namespace

const Converter kDolly{
    .name = "dolly",
    .title = "Dolly 15k",
    .licence = "CC BY-SA 3.0",
    .fits = fits,
    .convert = convert,
    .layout = "databricks-dolly-15k.jsonl with instruction, context, response, category",
};

}  // namespace dayrun::core
