// MathInstruct: the question stands in `instruction` and becomes the input. An answer that says
// "The answer is" gets that on its own line, without the "#### 72" of GSM8K before it (the
// preparation of the winning recipe). Neighbour: converters.cpp. Any thread.
#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kAnswerMark = "The answer is";

bool fits(const Value& row, const RowContext&) {
    return has_text(row, "instruction") && has_text(row, "output") &&
           text_of(row, "source").starts_with("data/");
}

std::string prepared_answer(std::string_view output) {
    const size_t mark = output.rfind(kAnswerMark);
    if (mark == std::string_view::npos) return std::string(trim(output));
    const std::string_view reasoning = output.substr(0, mark);
    const std::string_view kept = trim(reasoning.substr(0, reasoning.rfind("####")));
    const std::string_view answer = trim(output.substr(mark));
    return kept.empty() ? std::string(answer) : std::string(kept) + "\n" + std::string(answer);
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (!require_fields(row, {"instruction"}, out)) return;
    add_instruction(row, {}, trim(MemberText(row, "instruction")),
                    prepared_answer(MemberText(row, "output")), {}, out);
}

}  // namespace

const Converter kMathInstruct{
    .name = "math_instruct",
    .title = "MathInstruct",
    .licence = "MIT; sources vary",
    .fits = fits,
    .convert = convert,
    .layout = "MathInstruct.json with source, instruction, output",
};

}  // namespace dayrun::core
