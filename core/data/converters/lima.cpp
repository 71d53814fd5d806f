// LIMA: a list of strings that alternates between user and assistant; the test part has the user's
// alone, which are rows without an answer. Neighbours: converters.cpp, train_marks.h. Any thread.
#include "core/data/converters/converters.h"
#include "core/data/converters/train_marks.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    const Value* const turns = row.find("conversations");
    return turns != nullptr && !turns->array().empty() && turns->array().front().is_string();
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"conversations"}, out)) return;
    std::vector<Turn> turns;
    const Value::Array& messages = row.find("conversations")->array();
    for (const Value& turn : messages) {
        const bool is_reply = turns.size() % 2 == 1;
        turns.push_back({is_reply ? Role::Assistant : Role::User, turn.text(), is_reply});
    }
    if (mark_turns(row, messages, turns, out)) add_dialogue(row, std::move(turns), out);
}

}  // namespace

const Converter kLima{
    .name = "lima",
    .title = "LIMA",
    .licence = "CC BY-NC-SA or stricter",
    .fits = fits,
    .convert = convert,
    .layout = "train.jsonl with conversations, source",
};

}  // namespace dayrun::core
