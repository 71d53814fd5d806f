// Pairs under several names: question/answer, input/output, inputs/targets, input/target.
// Neighbour: converters.cpp. Any thread.
#include <array>

#include "core/data/converters/converters.h"

namespace dayrun::core {
namespace {

struct PairNames {
    std::string_view prompt, answer;
};
constexpr std::array<PairNames, 5> kPairs{{{"question", "answer"},
                                           {"question", "response"},
                                           {"input", "output"},
                                           {"inputs", "targets"},
                                           {"input", "target"}}};

const PairNames* pair_of(const Value& row) {
    for (const PairNames& names : kPairs) {
        if (row.find(names.prompt) != nullptr && row.find(names.answer) != nullptr) return &names;
    }
    return nullptr;
}

bool fits(const Value& row, const RowContext&) {
    const PairNames* const names = pair_of(row);
    return names != nullptr && has_text(row, names->prompt) && has_text(row, names->answer);
}

void convert(const Value& row, const RowContext&, Converted& out) {
    const PairNames* const names = pair_of(row);
    if (names == nullptr) {
        // A question alone is a row without an answer, not a broken one.
        for (const PairNames& known : kPairs) {
            if (!has_text(row, known.prompt)) continue;
            out.drop_reasons.emplace_back(kNoAnswer);
            return;
        }
        require_fields(row, {"question"}, out);
        return;
    }
    // Rows of input and output may say in `instruction` what to do with the input.
    const std::string_view instruction = names->prompt == "input" ? "instruction" : "";
    add_instruction(row, MemberText(row, instruction), MemberText(row, names->prompt),
                    MemberText(row, names->answer), MemberText(row, "system"), out);
}

}  // namespace

const Converter kQuestionAnswer{
    .name = "question_answer",
    .title = "Question and answer",
    .fits = fits,
    .convert = convert,
};

}  // namespace dayrun::core
