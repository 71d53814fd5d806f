// The table of converters, detection, mapping by columns, and what the converters share.
// Neighbours: one file a set in this folder. Any thread.
#include "core/data/converters/converters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/data/text.h"

namespace dayrun::core {
void keep_plain_fields(const Value& row, Sample& sample, std::string_view response) {
    for (const Member& member : row.object()) {
        if (member.value.is_array() || member.value.is_object()) continue;
        if (member.value.is_string()) {
            const std::string_view text = member.value.string();
            const bool is_response = text.data() == response.data() && text == response;
            sample.add_field(member.name, is_response ? sample.field("response") : text);
        } else {
            sample.add_field(member.name, member.value.text());
        }
    }
}

std::span<const Converter> converters() {
    // Sets with unmistakable fields first, common shapes behind them.
    static const std::array s_table{
        kTokenIds,
        kNaturalInstructions,
        kBigBench,
        kOasst1,
        kQuac,
        kOpenBookQa,
        kCnnDailyMail,
        kMmlu,
        kTruthfulQa,
        kTldr,
        kMathInstruct,
        kOpenPlatypus,
        kDolly,
        kGsm8k,
        kMessages,
        kShareGpt,
        kLima,
        kAlpaca,
        kPromptCompletion,
        kQuestionAnswer,
        kText,
    };
    return s_table;
}

const Converter* find_converter(std::string_view name) {
    const auto table = converters();
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const Converter& entry) { return entry.name == name; });
    return found == table.end() ? nullptr : &*found;
}

const Converter* detect_converter(const Value& row, const RowContext& context) {
    for (const Converter& converter : converters()) {
        if (converter.fits(row, context)) return &converter;
    }
    return nullptr;
}

std::string training_warning(const Converter* converter, const std::filesystem::path& file) {
    // The folder counts too: "mmlu/test/anatomy.csv".
    std::vector<std::string> words = path_words(file.parent_path().filename() / file.filename());
    const auto has = [&](std::string_view word) {
        return std::find(words.begin(), words.end(), word) != words.end();
    };
    if (converter != nullptr && !converter->warning.empty()) {
        const auto parts = path_words(converter->warned_parts);
        const bool holds =
            converter->warned_parts.empty() || std::any_of(parts.begin(), parts.end(), has);
        return holds ? std::string(converter->warning) : std::string();
    }
    return has("test") && !has("train")
               ? "Its name says that it is a test part: do not train on what you measure with."
               : "";
}

std::string training_warning(const Converter* converter, std::span<const SourceFile> files) {
    for (const SourceFile& file : files) {
        if (std::string warning = training_warning(converter, file.path); !warning.empty()) {
            return warning;
        }
    }
    return {};
}

void Converted::clear() {
    samples.clear();
    drop_reasons.clear();
    shortened.clear();
    problem.clear();
}

std::string text_of(const Value& row, std::string_view name) {
    const Value* const value = row.find(name);
    return value == nullptr ? std::string() : value->text();
}

MemberText::MemberText(const Value& row, std::string_view name) {
    const Value* const value = row.find(name);
    if (value == nullptr) return;
    if (!value->is_string()) m_made = value->text();
    m_text = value->is_string() ? value->string() : m_made;
}

bool has_text(const Value& row, std::string_view name) {
    const Value* const value = row.find(name);
    return value != nullptr && (value->is_string() || value->is_number() || value->is_null());
}

bool require_fields(const Value& row, std::initializer_list<std::string_view> names,
                    Converted& out) {
    for (const std::string_view name : names) {
        if (row.find(name) != nullptr) continue;
        out.problem =
            row.is_object()
                ? fmt::format("it has no `{}`; its fields are {}", name, member_names(row))
                : fmt::format("it is {}, not an object", with_article(row.type_name()));
        return false;
    }
    return true;
}

void add_instruction(const Value& row, std::string_view instruction, std::string_view input,
                     std::string_view response, std::string_view system, Converted& out) {
    if (is_blank(response)) {
        out.drop_reasons.emplace_back(kNoAnswer);
        return;
    }
    if (is_blank(instruction) && is_blank(input)) {
        out.drop_reasons.emplace_back(kNoPrompt);
        return;
    }
    Sample& sample = out.samples.add();
    sample.set_exchange(instruction, input, response, system);
    keep_plain_fields(row, sample, response);
}

void add_choices(const std::vector<std::string>& choices, size_t right, Converted& out) {
    if (out.samples.empty()) return;
    const bool is_choice = right < choices.size() && choices.size() <= 26;
    std::string listed;
    for (size_t i = 0; i < choices.size() && is_choice; ++i) {
        listed += fmt::format("{}.{}\n", static_cast<char>('A' + i), choices[i]);
    }
    Sample& sample = out.samples.back();
    sample.set_field("choices", listed);
    sample.set_field("letter",
                     is_choice ? std::string(1, static_cast<char>('A' + right)) : std::string());
}

void add_dialogue(const Value& row, std::vector<Turn> turns, Converted& out) {
    bool has_loose_end = false;
    while (!turns.empty() && turns.back().role != Role::Assistant) {
        has_loose_end = has_loose_end || !is_blank(turns.back().content);
        turns.pop_back();
    }
    // A published dialogue may open with an empty turn or a reply without a question.
    const auto is_user = [](const Turn& turn) {
        return turn.role == Role::User && !is_blank(turn.content);
    };
    const auto first_user = std::find_if(turns.begin(), turns.end(), is_user);
    const auto is_reply = [](const Turn& turn) {
        return turn.role == Role::Assistant && !is_blank(turn.content);
    };
    const bool trains = std::any_of(turns.begin(), turns.end(), [&](const Turn& turn) {
        return is_reply(turn) && turn.is_trained;
    });
    if (!trains) {
        const bool has_reply = std::any_of(turns.begin(), turns.end(), is_reply);
        out.drop_reasons.emplace_back(has_reply ? kNoReplyMarked : kNoAnswer);
        return;
    }
    if (first_user == turns.end()) {
        out.drop_reasons.emplace_back(kNoPrompt);
        return;
    }
    const auto reply = std::find_if(first_user, turns.end(),
                                    [](const Turn& turn) { return turn.role == Role::Assistant; });
    const bool has_system = turns.front().role == Role::System;
    if (has_loose_end) out.shortened.emplace_back(kLooseEnd);
    Sample& sample = out.samples.add();
    sample.set_field("instruction", "");
    sample.set_field("input", first_user->content);
    sample.set_field("system", has_system ? turns.front().content : "");
    sample.set_field("response", reply == turns.end() ? "" : reply->content);
    sample.set_field("turns", std::to_string(turns.size()));
    sample.insert_messages(0, turns);
    keep_plain_fields(row, sample);
}

Value renamed_columns(const Value& row,
                      const std::vector<std::pair<std::string, std::string>>& columns) {
    Value renamed = row;
    for (const auto& [field, column] : columns) {
        Value* const taken = renamed.find(field);
        Value* const found = renamed.find(column);
        if (found == nullptr || found == taken) continue;
        Value moved = *found;
        if (taken != nullptr) {
            *taken = std::move(moved);
        } else {
            renamed.object().push_back({field, std::move(moved)});
        }
    }
    return renamed;
}

void convert_columns(const Value& row,
                     const std::vector<std::pair<std::string, std::string>>& columns,
                     Converted& out) {
    for (const auto& [field, column] : columns) {
        if (!require_fields(row, {column}, out)) return;
    }
    const auto column_of = [&](std::string_view field) {
        const auto found = std::find_if(columns.begin(), columns.end(),
                                        [&](const auto& pair) { return pair.first == field; });
        return found == columns.end() ? std::string_view() : std::string_view(found->second);
    };
    const std::string text = text_of(row, column_of("text"));
    if (!text.empty()) {
        kText.convert(Value(Value::Object{{"text", Value(text)}}), {row, text}, out);
        return;
    }
    add_instruction(row, MemberText(row, column_of("instruction")),
                    MemberText(row, column_of("input")), MemberText(row, column_of("response")),
                    MemberText(row, column_of("system")), out);
}

}  // namespace dayrun::core
