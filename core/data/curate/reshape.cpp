// Body of reshape.h.
#include "core/data/curate/reshape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/data/text.h"

namespace dayrun::core {
namespace {

size_t reply_count(const Sample& sample) {
    return static_cast<size_t>(
        std::count_if(sample.messages.begin(), sample.messages.end(),
                      [](const Message& message) { return message.role == Role::Assistant; }));
}

/// One question and its answer out of a dialogue, under the dialogue's system text.
Sample exchange_of(const Sample& whole, const std::string& question, const Message& answer) {
    Sample sample = whole;
    sample.messages.clear();
    if (whole.messages.front().role == Role::System) {
        sample.messages.push_back(whole.messages.front());
    }
    sample.messages.push_back({Role::User, question, false});
    sample.messages.push_back(answer);
    sample.fields["instruction"].clear();
    sample.fields["input"] = question;
    sample.fields["response"] = answer.content;
    return sample;
}

}  // namespace

Reshape::Reshape(TurnsRule turns, const std::vector<std::pair<std::string, std::string>>& fields)
    : m_turns(turns) {
    for (const auto& [name, text] : fields) m_fields.emplace_back(name, FieldText(text));
}

void Reshape::divide(std::vector<Sample>& samples) const {
    std::vector<Sample> divided;
    for (Sample& sample : samples) {
        if (reply_count(sample) < 2) {
            divided.push_back(std::move(sample));
            continue;
        }
        std::string question;
        for (const Message& message : sample.messages) {
            if (message.role == Role::User) {
                question += (question.empty() ? "" : "\n\n") + message.content;
            } else if (message.role == Role::Assistant) {
                if (!is_blank(question)) {
                    divided.push_back(exchange_of(sample, question, message));
                }
                question.clear();
                if (m_turns == TurnsRule::First && !divided.empty()) break;
            }
        }
    }
    samples = std::move(divided);
}

Result<void> Reshape::reword(Sample& sample) const {
    if (sample.messages.empty() || m_fields.empty()) return {};
    if (reply_count(sample) > 1) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message =
                         "data[].fields words one question and answer anew, but the source "
                         "holds dialogues.",
                     .hint = "Set turns: first or turns: each for it."};
    }
    // All texts see the fields as they were.
    const auto before = sample.fields;
    for (const auto& [name, text] : m_fields) {
        TRY(filled, text.filled(before));
        sample.fields[name] = std::move(filled);
    }
    const std::string& instruction = sample.fields["instruction"];
    const std::string& input = sample.fields["input"];
    const bool has_both = !instruction.empty() && !input.empty();
    for (Message& message : sample.messages) {
        if (message.role == Role::User) {
            message.content = instruction + (has_both ? "\n\n" : "") + input;
        } else if (message.role == Role::Assistant) {
            message.content = sample.fields["response"];
        } else {
            message.content = sample.fields["system"];
        }
    }
    return {};
}

Result<void> Reshape::apply(Converted& converted) const {
    if (m_turns != TurnsRule::Whole) divide(converted.samples);
    for (Sample& sample : converted.samples) TRY_VOID(reword(sample));
    const auto without_answer = std::erase_if(converted.samples, [](const Sample& sample) {
        return sample.fields.contains("response") && is_blank(sample.field("response")) &&
               !sample.messages.empty();
    });
    for (size_t i = 0; i < without_answer; ++i) converted.drop_reasons.emplace_back(kNoAnswer);
    return {};
}

}  // namespace dayrun::core
