// QuAC: a dialogue of questions about a text, as the original files (data, paragraphs, qas) and as
// the hub's rows (context, questions, answers). One sample a dialogue, every answer trained. The
// wording of the instruction is Dayrun's own: the winners' is not published. Neighbour:
// converters.cpp. Any thread.
#include <fmt/format.h>

#include "core/data/converters/converters.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr std::string_view kInstruction =
    "Answer the questions about the text with words from it. Where it holds no answer, say so.";
constexpr std::string_view kNoAnswerMark = "CANNOTANSWER";
constexpr std::string_view kNoAnswerText = "The text does not say.";

struct Exchange {
    std::string question, answer;
};

bool fits(const Value& row, const RowContext&) {
    const Value* const paragraphs = row.find("paragraphs");
    const bool is_original = paragraphs != nullptr && !paragraphs->array().empty() &&
                             paragraphs->array().front().find("qas") != nullptr;
    const bool is_hub = has_text(row, "context") && row.find("questions") != nullptr &&
                        row.find("answers") != nullptr;
    return is_original || is_hub;
}

std::string shown_answer(const std::string& answer) {
    return answer == kNoAnswerMark ? std::string(kNoAnswerText) : answer;
}

std::string shown_context(const std::string& title, const std::string& section,
                          std::string context) {
    if (context.ends_with(kNoAnswerMark)) context.resize(context.size() - kNoAnswerMark.size());
    std::string head = title;
    if (!section.empty()) head += (head.empty() ? "" : ", ") + section;
    const std::string body(trim(context));
    return head.empty() ? body : head + "\n" + body;
}

void add_exchanges(const Value& row, const std::string& context,
                   const std::vector<Exchange>& exchanges, Converted& out) {
    std::vector<Turn> turns;
    for (const Exchange& exchange : exchanges) {
        if (is_blank(exchange.answer)) continue;
        std::string content = "Question: " + exchange.question;
        if (turns.empty()) content.insert(0, context + "\n\n");
        turns.push_back({Role::User, std::move(content), false});
        turns.push_back({Role::Assistant, exchange.answer, true});
    }
    const size_t before = out.samples.size();
    add_dialogue(row, std::move(turns), out);
    if (out.samples.size() == before) return;
    Sample& sample = out.samples.back();
    sample.set_field("instruction", kInstruction);
    sample.set_field("context", context);
    const std::string first(sample.messages().front().content);
    sample.set_content(0, fmt::format("{}\n\n{}", kInstruction, first));
}

void convert_original(const Value& row, Converted& out) {
    for (const Value& paragraph : row.find("paragraphs")->array()) {
        std::vector<Exchange> exchanges;
        const Value* const turns = paragraph.find("qas");
        if (turns == nullptr) {
            out.problem = "a paragraph has no `qas`";
            return;
        }
        for (const Value& turn : turns->array()) {
            const Value* answer = turn.find("orig_answer");
            const Value* const answers = turn.find("answers");
            const bool has_list = answers != nullptr && !answers->array().empty();
            if (answer == nullptr && has_list) answer = &answers->array().front();
            const std::string text = answer == nullptr ? std::string() : text_of(*answer, "text");
            exchanges.push_back({text_of(turn, "question"), shown_answer(text)});
        }
        const std::string context = shown_context(
            text_of(row, "title"), text_of(row, "section_title"), text_of(paragraph, "context"));
        add_exchanges(row, context, exchanges, out);
    }
}

void convert_hub(const Value& row, Converted& out) {
    if (!require_fields(row, {"context", "questions", "answers"}, out)) return;
    const Value* const texts = row.find("answers")->find("texts");
    const Value* const original = row.find("orig_answers");
    const Value* const originals = original == nullptr ? nullptr : original->find("texts");
    const auto& questions = row.find("questions")->array();
    std::vector<Exchange> exchanges;
    for (size_t i = 0; i < questions.size(); ++i) {
        std::string answer;
        if (originals != nullptr && i < originals->array().size()) {
            answer = originals->array()[i].text();
        } else if (texts != nullptr && i < texts->array().size()) {
            const auto& accepted = texts->array()[i].array();
            if (!accepted.empty()) answer = accepted.front().text();
        }
        exchanges.push_back({questions[i].text(), shown_answer(answer)});
    }
    const std::string context =
        shown_context(text_of(row, "wikipedia_page_title"), text_of(row, "section_title"),
                      text_of(row, "context"));
    add_exchanges(row, context, exchanges, out);
}

void convert(const Value& row, const RowContext&, Converted& out) {
    if (row.find("paragraphs") != nullptr) {
        convert_original(row, out);
    } else {
        convert_hub(row, out);
    }
}

}  // namespace

const Converter kQuac{
    .name = "quac",
    .title = "QuAC",
    .licence = "MIT",
    .fits = fits,
    .convert = convert,
    .layout =
        "train_v0.2.json (data, paragraphs, qas), or Parquet with context, questions, answers",
};

}  // namespace dayrun::core
