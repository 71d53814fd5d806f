// MMLU: a question, four choices and the right one as an index (hub) or a letter (the original's
// headerless CSV, whose file name is the subject). The answer to learn is the letter. Neighbour:
// converters.cpp. Any thread.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr std::array<std::string_view, 4> kLetters{"A", "B", "C", "D"};

bool has_letters(const Value& row) {
    return std::all_of(kLetters.begin(), kLetters.end(),
                       [&](std::string_view letter) { return has_text(row, letter); });
}

bool fits(const Value& row, const RowContext&) {
    if (!has_text(row, "question") || row.find("answer") == nullptr) return false;
    const Value* const choices = row.find("choices");
    return has_letters(row) || (choices != nullptr && choices->array().size() == 4);
}

std::string subject_of(const Value& row, const RowContext& context) {
    std::string subject = text_of(row, "subject");
    if (subject.empty() && has_letters(row)) {
        std::string_view name = context.file_stem;
        for (const std::string_view ending : {"_dev", "_val", "_test"}) {
            if (name.ends_with(ending)) name.remove_suffix(ending.size());
        }
        subject = name;
    }
    return subject;
}

void convert(const Value& row, const RowContext& context, Converted& out) {
    if (!require_fields(row, {"question", "answer"}, out)) return;
    std::vector<std::string> choices;
    if (has_letters(row)) {
        for (const std::string_view letter : kLetters) choices.push_back(text_of(row, letter));
    } else if (const Value* const listed = row.find("choices")) {
        for (const Value& choice : listed->array()) choices.push_back(choice.text());
    }
    if (choices.size() != kLetters.size()) {
        out.problem = fmt::format("it has {} choices, not 4", choices.size());
        return;
    }
    const Value& answer = *row.find("answer");
    std::string letter(trim(answer.text()));
    if (answer.is_integer()) {
        const int64_t index = answer.integer();
        letter = index >= 0 && index < 4 ? kLetters[static_cast<size_t>(index)] : "";
    }
    if (std::find(kLetters.begin(), kLetters.end(), letter) == kLetters.end()) {
        out.problem = fmt::format("its answer '{}' is none of A to D", answer.text());
        return;
    }
    const std::string subject = subject_of(row, context);
    std::string shown = subject;
    std::replace(shown.begin(), shown.end(), '_', ' ');
    std::string instruction = "Answer the multiple choice question";
    if (!shown.empty()) instruction += " about " + shown;
    std::string input = text_of(row, "question");
    for (size_t i = 0; i < choices.size(); ++i) {
        input += fmt::format("\n{}. {}", kLetters[i], choices[i]);
    }
    add_instruction(row, instruction + " with a letter.", input, letter, {}, out);
    if (!out.samples.empty()) out.samples.back().set_field("subject", subject);
    add_choices(choices, static_cast<size_t>(letter.front() - 'A'), out);
}

}  // namespace

const Converter kMmlu{
    .name = "mmlu",
    .title = "MMLU",
    .licence = "MIT",
    .warning = "dev, validation and test are an evaluation set: do not train on them.",
    .fits = fits,
    .convert = convert,
    .layout = "all/auxiliary_train-*.parquet with question, choices, answer, or one CSV a subject",
    .warned_parts = "dev val validation test",
};

}  // namespace dayrun::core
