// OpenBookQA: a sentence beginning, four completions and the letter of the right one; the answer to
// learn is the completion itself. The instruction is in Dayrun's own words. Neighbour:
// converters.cpp. Any thread.
#include <fmt/format.h>

#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kInstruction =
    "Choose the completion that fits the beginning of the sentence best, and answer with it.";

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "question_stem") && row.find("choices") != nullptr;
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"question_stem", "choices", "answerKey"}, out)) return;
    const Value* const texts = row.find("choices")->find("text");
    const Value* const labels = row.find("choices")->find("label");
    if (texts == nullptr || labels == nullptr || texts->array().size() != labels->array().size()) {
        out.problem = "its `choices` have no `text` and `label` of equal length";
        return;
    }
    const std::string key(trim(text_of(row, "answerKey")));
    std::string input = text_of(row, "question_stem") + "\n";
    std::string response;
    for (size_t i = 0; i < texts->array().size(); ++i) {
        const std::string text = texts->array()[i].text();
        const std::string label = labels->array()[i].text();
        input += fmt::format("\n{}. {}", label, text);
        if (label == key) response = text;
    }
    add_instruction(row, kInstruction, input, response, {}, out);
}

}  // namespace

const Converter kOpenBookQa{
    .name = "openbookqa",
    .title = "OpenBookQA",
    .licence = "unknown on its card",
    .fits = fits,
    .convert = convert,
    .layout = "main/train-*.parquet with question_stem, choices (text, label), answerKey",
};

}  // namespace dayrun::core
