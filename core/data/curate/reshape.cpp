// Body of reshape.h.
#include "core/data/curate/reshape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/data/text.h"

namespace dayrun::core {
namespace {

size_t reply_count(const Sample& sample) {
    size_t count = 0;
    for (const Message message : sample.messages()) count += message.role == Role::Assistant;
    return count;
}

/// Whether the sample is one question and its answer, perhaps under a system text: what fields
/// hold.
bool is_exchange(const Sample& sample) {
    const auto messages = sample.messages();
    const size_t first = messages.front().role == Role::System ? 1 : 0;
    return messages.size() == first + 2 && messages[first].role == Role::User;
}

/// The turns before a reply, as one question.
struct Question {
    std::string text;
    TrainMark mark = TrainMark::None;

    void add(const Message& message) {
        text += text.empty() ? "" : "\n\n";
        text += message.content;
        if (message.mark != TrainMark::None) mark = message.mark;
    }
};

/// One question and its answer out of a dialogue, under the dialogue's system text.
void add_exchange(const Sample& whole, const Question& question, const Message& answer,
                  SampleBlock& out) {
    const Message first = whole.messages().front();
    const bool has_system = first.role == Role::System;
    Sample& sample = out.add();
    sample.set_exchange({}, question.text, answer.content,
                        has_system ? first.content : std::string_view());
    const size_t reply = sample.messages().size() - 1;
    sample.set_trained(reply, answer.is_trained);
    sample.set_mark(reply, answer.mark);
    sample.set_mark(reply - 1, question.mark);
    if (reply == 2) sample.set_mark(0, first.mark);
    for (const NamedText& field : whole.fields()) {
        sample.add_field(field.name, field.text);
    }
}

}  // namespace

Reshape::Reshape(TurnsRule turns, const std::vector<std::pair<std::string, std::string>>& fields)
    : m_turns(turns) {
    for (const auto& [name, text] : fields) m_fields.emplace_back(name, FieldText(text));
}

void Reshape::divide(Converted& converted) const {
    SampleBlock divided;
    for (Sample& sample : converted.samples) {
        if (reply_count(sample) < 2) {
            divided.take(sample);
            continue;
        }
        const size_t before = divided.size();
        Question question;
        const auto messages = sample.messages();
        for (size_t i = messages.front().role == Role::System ? 1 : 0; i < messages.size(); ++i) {
            const Message message = messages[i];
            if (message.role != Role::Assistant) {
                // A system text between turns is part of the question, as in a whole dialogue.
                question.add(message);
                continue;
            }
            if (!is_blank(question.text)) {
                add_exchange(sample, question, message, divided);
            } else if (m_turns == TurnsRule::Each) {
                converted.drop_reasons.emplace_back(kNoPrompt);
            }
            question = {};
            if (m_turns == TurnsRule::First && divided.size() > before) break;
        }
    }
    converted.samples = std::move(divided);
}

Result<void> Reshape::reword(Sample& sample) const {
    if (sample.messages().empty() || m_fields.empty()) return {};
    if (reply_count(sample) > 1) {
        return Error{.code = ErrorCode::BadRecipe,
                     .message =
                         "data[].fields words one question and answer anew, but the source "
                         "holds dialogues.",
                     .hint = "Set turns: first or turns: each for it."};
    }
    // All texts see the fields as they were.
    const Sample before = sample;
    for (const auto& [name, text] : m_fields) {
        TRY(filled, text.filled(before));
        sample.set_field(name, filled);
    }
    const std::string instruction(sample.field("instruction"));
    const std::string_view input = sample.field("input");
    const bool has_both = !instruction.empty() && !input.empty();
    const std::string prompt = (instruction + (has_both ? "\n\n" : "")).append(input);
    for (size_t i = 0; i < sample.messages().size(); ++i) {
        switch (sample.messages()[i].role) {
            case Role::User:
                sample.set_content(i, prompt);
                break;
            case Role::Assistant:
                sample.set_content(i, sample.field("response"));
                break;
            case Role::System:
                sample.set_content(i, sample.field("system"));
                break;
        }
    }
    return {};
}

Result<void> Reshape::apply(Converted& converted) const {
    const bool is_as_converted = m_turns == TurnsRule::Whole && m_fields.empty();
    if (m_turns != TurnsRule::Whole) divide(converted);
    if (!m_fields.empty()) {
        for (Sample& sample : converted.samples) TRY_VOID(reword(sample));
        converted.samples.keep_if([&](const Sample& sample) {
            if (sample.messages().empty() || is_exchange(sample)) return true;
            converted.drop_reasons.emplace_back("several turns, which data[].fields would lose");
            return false;
        });
    }
    converted.samples.keep_if([&](const Sample& sample) {
        // The converter has looked at a single reply.
        if (is_as_converted && sample.messages().size() <= 2) return true;
        const bool lacks_answer = sample.has_field("response") &&
                                  is_blank(sample.field("response")) && !sample.messages().empty();
        if (lacks_answer) converted.drop_reasons.emplace_back(kNoAnswer);
        return !lacks_answer;
    });
    return {};
}

}  // namespace dayrun::core
