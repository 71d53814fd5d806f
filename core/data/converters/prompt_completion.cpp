// A finished prompt and its completion, under the names people use. Rows of preference sets
// (chosen, rejected) are refused: they are not for instruction tuning. Neighbour: converters.cpp.
#include <array>

#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

constexpr std::array<std::string_view, 4> kAnswers{"completion", "response", "answer", "label"};

const Value* answer_of(const Value& row) {
    for (const std::string_view name : kAnswers) {
        if (const Value* const found = row.find(name)) return found;
    }
    return nullptr;
}

bool fits(const Value& row, const RowContext&) {
    const Value* const answer = answer_of(row);
    return has_text(row, "prompt") && answer != nullptr && answer->is_string();
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"prompt"}, out)) return;
    const Value* const answer = answer_of(row);
    if (answer == nullptr && row.find("chosen") != nullptr) {
        out.problem = "it holds a preference (chosen, rejected), not an answer to learn";
        return;
    }
    const std::string reply = answer == nullptr ? std::string() : answer->text();
    add_instruction(row, {}, MemberText(row, "prompt"), reply, MemberText(row, "system"), out);
}

}  // namespace

const Converter kPromptCompletion{
    .name = "prompt_completion",
    .title = "Prompt and completion",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
