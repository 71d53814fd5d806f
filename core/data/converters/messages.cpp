// Chat messages: {"messages": [{"role", "content"}]}, content as text or as a list of text parts.
// Neighbours: converters.cpp, train_marks.h. Any thread.
#include <fmt/format.h>

#include "core/data/converters/converters.h"
#include "core/data/converters/train_marks.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    const Value* const messages = row.find("messages");
    return messages != nullptr && !messages->array().empty() &&
           messages->array().front().find("role") != nullptr;
}

/// A text, or the texts of a list of parts one after the other; false for anything else.
bool content_text(const Value& content, std::string& text) {
    if (content.is_string() || content.is_null()) {
        text = content.text();
        return true;
    }
    if (!content.is_array()) return false;
    for (const Value& part : content.array()) {
        const Value* const type = part.find("type");
        if (type != nullptr && type->string() != "text") return false;
        const Value* const value = part.find("text") ? part.find("text") : part.find("value");
        if (value == nullptr) return false;
        text += value->text();
    }
    return true;
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"messages"}, out)) return;
    const Value::Array& messages = row.find("messages")->array();
    std::vector<Turn> turns;
    for (const Value& entry : messages) {
        const std::string role = text_of(entry, "role");
        const Value* const content = entry.find("content");
        Turn turn;
        if (role == "system" || role == "developer") {
            turn.role = Role::System;
        } else if (role == "assistant") {
            turn.role = Role::Assistant;
        } else if (role != "user") {
            out.drop_reasons.push_back(fmt::format("a turn of role '{}'", role));
            return;
        }
        if (entry.find("tool_calls") != nullptr) {
            out.drop_reasons.emplace_back("tool calls");
            return;
        }
        if (content == nullptr || !content_text(*content, turn.content)) {
            out.problem = "a message has no text in `content`";
            return;
        }
        turns.push_back(std::move(turn));
    }
    if (mark_turns(row, messages, turns, out)) add_dialogue(row, std::move(turns), out);
}

}  // namespace

const Converter kMessages{
    .name = "messages",
    .title = "Chat messages",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
