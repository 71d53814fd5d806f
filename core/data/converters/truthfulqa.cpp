// TruthfulQA: the best answer (generation, or the original CSV), or the right choice (multiple
// choice). Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

bool fits(const Value& row, const RowContext&) {
    const bool is_generation = has_text(row, "question") && has_text(row, "best_answer");
    const bool is_csv = has_text(row, "Question") && has_text(row, "Best Answer");
    const bool is_choice = has_text(row, "question") && row.find("mc1_targets") != nullptr;
    return is_generation || is_csv || is_choice;
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (row.find("Question") != nullptr) {
        add_instruction(row, {}, text_of(row, "Question"), text_of(row, "Best Answer"), {}, out);
        return;
    }
    if (!require_fields(row, {"question"}, out)) return;
    std::string response = text_of(row, "best_answer");
    if (const Value* const targets = row.find("mc1_targets")) {
        const Value* const choices = targets->find("choices");
        const Value* const labels = targets->find("labels");
        if (choices == nullptr || labels == nullptr) {
            out.problem = "its `mc1_targets` have no `choices` and `labels`";
            return;
        }
        for (size_t i = 0; i < labels->array().size() && i < choices->array().size(); ++i) {
            if (labels->array()[i].integer() == 1) response = choices->array()[i].text();
        }
    }
    add_instruction(row, {}, text_of(row, "question"), std::move(response), {}, out);
}

}  // namespace

const Converter kTruthfulQa{
    "truthfulqa", "TruthfulQA",
    "Apache-2.0", "An evaluation set: training on it makes its score worthless.",
    fits,         convert};

}  // namespace dayrun::core
