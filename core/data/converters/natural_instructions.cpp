// Super-NaturalInstructions: task files (one JSON object with Definition and Instances) and the
// hub's rows (definition, inputs, targets). Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext& context) {
    const bool is_task = context.header.find("Definition") != nullptr;
    const bool is_hub_row =
        has_text(row, "definition") && has_text(row, "inputs") && row.find("targets") != nullptr;
    return is_hub_row || (is_task && row.find("input") != nullptr);
}

/// Newer files hold lists where older ones hold the text itself.
std::string first_of(const Value& outputs) {
    if (!outputs.is_array()) return outputs.text();
    return outputs.array().empty() ? std::string() : outputs.array().front().text();
}

std::string first_member(const Value& header, std::string_view name) {
    const Value* const member = header.find(name);
    return member == nullptr ? std::string() : first_of(*member);
}

/// What a recipe selects tasks by; the hub's rows know their task alone.
void add_selectors(const std::string& task, const Value& header, Converted& out) {
    if (out.samples.empty()) return;
    Sample& sample = out.samples.back();
    sample.set_field("task", task);
    sample.set_field("category", first_member(header, "Categories"));
    sample.set_field("input_language", first_member(header, "Input_language"));
    sample.set_field("output_language", first_member(header, "Output_language"));
}

void convert(const Value& row, const RowContext& context, Converted& out) {
    if (row.find("definition") != nullptr) {
        if (!require_fields(row, {"inputs", "targets"}, out)) return;
        add_instruction(row, MemberText(row, "definition"), MemberText(row, "inputs"),
                        first_of(*row.find("targets")), {}, out);
        add_selectors(text_of(row, "task_name"), context.header, out);
        return;
    }
    if (!require_fields(row, {"input"}, out)) return;
    const Value* const output = row.find("output");
    const std::string response = output == nullptr ? std::string() : first_of(*output);
    add_instruction(row, first_member(context.header, "Definition"), MemberText(row, "input"),
                    response, {}, out);
    add_selectors(context.file_stem, context.header, out);
}

}  // namespace

const Converter kNaturalInstructions{
    .name = "natural_instructions",
    .title = "Super-NaturalInstructions",
    .licence = "Apache-2.0 repository; each task's source has its own",
    .fits = fits,
    .convert = convert,
    .layout = "tasks/*.json with Definition, Instances (input, output), Categories, Input_language",
};

}  // namespace dayrun::core
