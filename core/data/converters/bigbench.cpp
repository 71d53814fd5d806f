// BIG-bench tasks: a JSON object with `examples` and the task's texts, or the hub's rows (inputs,
// targets, multiple_choice_targets, multiple_choice_scores). Choices keep the file's order.
// Neighbour: converters.cpp. Any thread.
#include <algorithm>

#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext& context) {
    const bool is_task = context.header.find("examples") != nullptr && row.find("input") != nullptr;
    const bool has_target = row.find("target") != nullptr || row.find("target_scores") != nullptr;
    const bool is_hub =
        row.find("inputs") != nullptr && row.find("multiple_choice_targets") != nullptr;
    return (is_task && has_target) || is_hub;
}

/// The choice with the highest score; "" when there is none.
std::string best_choice(const Value& scores) {
    const Member* best = nullptr;
    for (const Member& member : scores.object()) {
        if (best == nullptr || member.value.number() > best->value.number()) best = &member;
    }
    return best == nullptr ? std::string() : best->name;
}

void append_choices(const Value& scores, std::string_view prefix, std::string& input) {
    for (const Member& member : scores.object()) {
        input += prefix;
        input += member.name;
    }
}

void convert_hub(const Value& row, Converted& out) {
    if (!require_fields(row, {"inputs", "targets"}, out)) return;
    const auto& targets = row.find("targets")->array();
    const std::string target = targets.empty() ? std::string() : targets.front().text();
    add_instruction(row, {}, MemberText(row, "inputs"), target, {}, out);
    std::vector<std::string> choices;
    if (const Value* const listed = row.find("multiple_choice_targets")) {
        for (const Value& choice : listed->array()) choices.push_back(choice.text());
    }
    const auto right = std::find(choices.begin(), choices.end(), target);
    add_choices(choices, static_cast<size_t>(right - choices.begin()), out);
}

void convert(const Value& row, const RowContext& context, Converted& out) {
    if (row.find("inputs") != nullptr) {
        convert_hub(row, out);
        return;
    }
    if (!require_fields(row, {"input"}, out)) return;
    std::string input = text_of(row, "input");
    std::string response;
    if (const Value* const scores = row.find("target_scores")) {
        response = best_choice(*scores);
        const Value* const appends = context.header.find("append_choices_to_input");
        if (appends == nullptr || appends->boolean()) {
            const Value* const prefix = context.header.find("choice_prefix");
            append_choices(*scores, prefix == nullptr ? "\n  choice: " : prefix->string(), input);
        }
    } else if (const Value* const target = row.find("target")) {
        const bool is_list = target->is_array();
        if (!is_list) response = target->text();
        if (is_list && !target->array().empty()) response = target->array().front().text();
    }
    const std::string prefix(trim(text_of(context.header, "task_prefix")));
    add_instruction(row, prefix, input, response, {}, out);
    const std::string name = text_of(context.header, "name");
    if (!out.samples.empty()) {
        Sample& sample = out.samples.back();
        sample.set_field("task", name.empty() ? context.file_stem : name);
        sample.set_field("inputs", MemberText(row, "input"));
        std::vector<std::string> choices;
        if (const Value* const scores = row.find("target_scores")) {
            for (const Member& choice : scores->object()) choices.push_back(choice.name);
        }
        const auto right = std::find(choices.begin(), choices.end(), response);
        add_choices(choices, static_cast<size_t>(right - choices.begin()), out);
    }
}

}  // namespace

const Converter kBigBench{
    .name = "bigbench",
    .title = "BIG-bench task",
    .licence = "Apache-2.0",
    .warning = "An evaluation set: its canary asks that it never appear in training data.",
    .fits = fits,
    .convert = convert,
    .layout =
        "task.json with examples (input, target or target_scores), or Parquet with inputs, "
        "targets, "
        "multiple_choice_targets",
};

}  // namespace dayrun::core
