// Alpaca's shape: instruction, input (may be missing, null or empty), output; with an optional
// system text and earlier turns in `history`. Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "instruction") && has_text(row, "output");
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"instruction"}, out)) return;
    add_instruction(row, MemberText(row, "instruction"), MemberText(row, "input"),
                    MemberText(row, "output"), MemberText(row, "system"), out);
    const Value* const history = row.find("history");
    if (history == nullptr || history->array().empty() || out.samples.empty()) return;
    // Earlier exchanges stand before the row's own.
    Sample& sample = out.samples.back();
    std::vector<Turn> earlier;
    for (const Value& exchange : history->array()) {
        if (exchange.array().size() != 2) {
            out.samples.clear();
            out.problem = "its `history` is not a list of [question, answer]";
            return;
        }
        earlier.push_back({Role::User, exchange.array()[0].text(), false});
        earlier.push_back({Role::Assistant, exchange.array()[1].text(), true});
    }
    const bool has_system = sample.messages().front().role == Role::System;
    sample.insert_messages(has_system ? 1 : 0, earlier);
}

}  // namespace

const Converter kAlpaca{
    .name = "alpaca",
    .title = "Alpaca (instruction, input, output)",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
