// TruthfulQA: the best answer (generation, or the original CSV), or the right choice (multiple
// choice). Neighbour: converters.cpp. Any thread.
#include <algorithm>

#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    const bool is_generation = has_text(row, "question") && has_text(row, "best_answer");
    const bool is_csv = has_text(row, "Question") && has_text(row, "Best Answer");
    const bool is_choice = has_text(row, "question") && row.find("mc1_targets") != nullptr;
    return is_generation || is_csv || is_choice;
}

/// The CSV's texts: "one; two; three".
void add_listed(std::string_view text, std::vector<std::string>& choices) {
    while (!text.empty()) {
        const size_t end = std::min(text.find(';'), text.size());
        const std::string_view one = trim(text.substr(0, end));
        if (!one.empty()) choices.emplace_back(one);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void convert_csv(const Value& row, Converted& out) {
    const std::string question = text_of(row, "Question");
    std::vector<std::string> choices{text_of(row, "Best Answer")};
    add_instruction(row, {}, question, choices.front(), {}, out);
    add_listed(text_of(row, "Incorrect Answers"), choices);
    add_choices(choices, 0, out);
    if (!out.samples.empty()) out.samples.back().set_field("question", question);
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (row.find("Question") != nullptr) {
        convert_csv(row, out);
        return;
    }
    if (!require_fields(row, {"question"}, out)) return;
    // As in the published choices, the right answer stands first.
    std::vector<std::string> choices{text_of(row, "best_answer")};
    size_t right = 0;
    if (const Value* const targets = row.find("mc1_targets")) {
        const Value* const texts = targets->find("choices");
        const Value* const labels = targets->find("labels");
        if (texts == nullptr || labels == nullptr) {
            out.problem = "its `mc1_targets` have no `choices` and `labels`";
            return;
        }
        choices.clear();
        right = texts->array().size();
        for (size_t i = 0; i < texts->array().size(); ++i) {
            choices.push_back(texts->array()[i].text());
            const bool is_right = i < labels->array().size() && labels->array()[i].integer() == 1;
            if (is_right) right = i;
        }
    } else if (const Value* const wrong = row.find("incorrect_answers")) {
        for (const Value& answer : wrong->array()) choices.push_back(answer.text());
    }
    add_instruction(row, {}, MemberText(row, "question"),
                    right < choices.size() ? choices[right] : std::string(), {}, out);
    add_choices(choices, right, out);
}

}  // namespace

const Converter kTruthfulQa{
    .name = "truthfulqa",
    .title = "TruthfulQA",
    .licence = "Apache-2.0",
    .warning = "An evaluation set: training on it makes its score worthless.",
    .fits = fits,
    .convert = convert,
    .layout = "multiple_choice/validation-*.parquet with question, mc1_targets, or TruthfulQA.csv",
};

}  // namespace dayrun::core
