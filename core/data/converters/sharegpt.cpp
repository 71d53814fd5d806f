// ShareGPT: {"conversations": [{"from", "value"}], "system"}. Tool calls and what tools answered
// are dialogues Dayrun has no role for; such rows are dropped and counted. Neighbours:
// converters.cpp, train_marks.h.
#include <fmt/format.h>

#include <span>

#include "core/data/converters/converters.h"
#include "core/data/converters/train_marks.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    const Value* const listed = row.find("conversations");
    return listed != nullptr && !listed->array().empty() &&
           listed->array().front().find("from") != nullptr;
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"conversations"}, out)) return;
    std::vector<Turn> turns;
    const std::string system = text_of(row, "system");
    if (!system.empty()) turns.push_back({Role::System, system, false});
    const Value::Array& messages = row.find("conversations")->array();
    for (const Value& turn : messages) {
        const std::string from = text_of(turn, "from");
        const std::string content = text_of(turn, "value");
        if (from == "human" || from == "user") {
            turns.push_back({Role::User, content, false});
        } else if (from == "gpt" || from == "assistant" || from == "bing" || from == "chatgpt") {
            turns.push_back({Role::Assistant, content, true});
        } else if (from == "system") {
            turns.push_back({Role::System, content, false});
        } else if (from.empty()) {
            out.problem = "a turn has no `from`";
            return;
        } else {
            out.drop_reasons.push_back(fmt::format("a turn of role '{}'", from));
            return;
        }
    }
    const auto marked = std::span(turns).last(messages.size());
    if (mark_turns(row, messages, marked, out)) add_dialogue(row, std::move(turns), out);
}

}  // namespace

const Converter kShareGpt{
    .name = "sharegpt",
    .title = "ShareGPT conversations",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
