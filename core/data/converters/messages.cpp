// Chat messages: {"messages": [{"role", "content"}]}, content as text or as a list of text parts,
// `weight` or `loss_weight` 0 = not trained. Neighbour: converters.cpp. Any thread.
#include <fmt/format.h>

#include "core/data/converters/converters.h"

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

bool is_trained(const Value& message) {
    for (const std::string_view name : {"weight", "loss_weight"}) {
        const Value* const weight = message.find(name);
        if (weight != nullptr && weight->is_number()) return weight->number() != 0.0;
    }
    return true;
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"messages"}, out)) return;
    std::vector<Turn> turns;
    for (const Value& entry : row.find("messages")->array()) {
        const std::string role = text_of(entry, "role");
        const Value* const content = entry.find("content");
        Turn turn;
        if (role == "system" || role == "developer") {
            turn.role = Role::System;
        } else if (role == "assistant") {
            turn.role = Role::Assistant;
            turn.is_trained = is_trained(entry);
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
    add_dialogue(row, std::move(turns), out);
}

}  // namespace

const Converter kMessages{"messages", "Chat messages", "", "", fits, convert};

}  // namespace dayrun::core
