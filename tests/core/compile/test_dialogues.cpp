// No turn vanishes in silence: over every order of roles, what a template renders holds every
// content in its order and gives each reply a header and an end of its own, or the row is left out
// under a reason. The oracle is a plain search in the text of the tokens.
#include <QTemporaryDir>
#include <QTest>
#include <set>

#include "core/base/rng.h"
#include "core/compile/cache/data_compiler.h"
#include "core/compile/cache/data_report.h"
#include "core/data/converters/converter.h"
#include "core/data/text.h"
#include "tests/core/compile/row_folder.h"
#include "tests/core/templates/template_fixture.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

namespace {

/// A template, what must stand between two replies, and what ends each.
struct Rendering {
    std::string prompt_template, header, stop;
};

const std::vector<Rendering>& renderings() {
    static const std::vector<Rendering> all{
        {"upaya", "### Response:\n", "</s>"},
        {"percent_bfd", "\nAssistant: ", "</s>"},
        {"human_assistant", "\nAssistant: ", "</s>"},
        {"alpaca", "### Response:\n", "</s>"},
        {"chatml", "<|im_start|>assistant\n", "<|im_end|>"},
        {"llama2", " [/INST]", "</s>"},
        {"llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
        {"mistral", " [/INST]", "</s>"},
        {"Q: {prompt}\nA: ", "\nA: ", "</s>"},
        {"Q: {input}\nA: ", "\nA: ", "</s>"},
        {"Do {instruction}[[ on {input}]] = ", " = ", "</s>"},
        {"[[{system}\n\n]]{prompt}\n-> ", "\n-> ", "</s>"},
        {"[[{system} ({input})]]\n-> ", "\n-> ", "</s>"},
        {"Only {instruction}: ", ": ", "</s>"},
        {"[[Q: {prompt}\nA: ]]", "\nA: ", "</s>"},
    };
    return all;
}

const ByteTokenizer& tokenizer() {
    static const ByteTokenizer s_tokenizer(
        {"<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>",
         "<|eot_id|>"},
        "<s>", "</s>");
    return s_tokenizer;
}

EncodePolicy roomy() {
    EncodePolicy policy;
    policy.sample_limit = 100000;
    return policy;
}

/// Up to seven turns of any roles; a content is a word that stands nowhere else, perhaps with
/// blanks around it, and sometimes nothing.
std::vector<Turn> random_dialogue(Rng& rng) {
    std::vector<Turn> turns(1 + rng.below(7));
    for (Turn& turn : turns) {
        turn.role = rng.below(6) == 0 ? Role::System : rng.below(2) ? Role::User : Role::Assistant;
        const std::string word = "w" + std::to_string(rng.below(1u << 30)) + "x";
        const uint64_t kind = rng.below(12);
        turn.content = kind == 0 ? "" : kind == 1 ? " " : kind == 2 ? "  " + word + "\n" : word;
        turn.is_trained = turn.role == Role::Assistant;
    }
    return turns;
}

std::string roles_of(const std::vector<Turn>& turns) {
    std::string text;
    for (const Turn& turn : turns) {
        text += turn.role == Role::System ? 'S' : turn.role == Role::User ? 'U' : 'A';
        text += is_blank(turn.content) ? "_ " : " ";
    }
    return text;
}

Value row_of(const std::vector<Turn>& turns) {
    Value::Array messages;
    for (const Turn& turn : turns) {
        const char* const role = turn.role == Role::System ? "system"
                                 : turn.role == Role::User ? "user"
                                                           : "assistant";
        messages.emplace_back(
            Value::Object{{"role", Value(role)}, {"content", Value(turn.content)}});
    }
    return Value(Value::Object{{"messages", Value(std::move(messages))}});
}

/// Whether something stands behind the last reply.
bool has_loose_end(const std::vector<Turn>& turns) {
    for (size_t i = turns.size(); i-- > 0 && turns[i].role != Role::Assistant;) {
        if (!is_blank(turns[i].content)) return true;
    }
    return false;
}

/// What is wrong with `text` for the turns up to the last reply; "" when nothing is.
std::string fault_in(const std::string& text, const std::vector<Turn>& turns,
                     const std::string& header, const std::string& stop) {
    size_t last = turns.size();
    while (last > 0 && turns[last - 1].role != Role::Assistant) --last;
    size_t at = 0;           // behind the content found last
    size_t reply_begin = 0;  // where a header may begin
    for (size_t i = 0; i < last; ++i) {
        const std::string word(trim(turns[i].content));
        const size_t found = text.find(word, at);
        if (found == std::string::npos) return word + " is not there, or out of order";
        if (!word.empty()) at = found + word.size();
        if (turns[i].role != Role::Assistant) continue;
        const size_t headed = text.find(header, reply_begin);
        if (headed == std::string::npos || (!word.empty() && headed > found)) {
            return word + " has no header of its own";
        }
        const size_t stopped = text.find(stop, std::max(at, headed + header.size()));
        if (stopped == std::string::npos) return word + " has no end";
        const std::string between = text.substr(at, stopped - at);
        if (!word.empty() && !is_blank(between)) return word + " ends behind " + between;
        at = reply_begin = stopped + stop.size();
    }
    return {};
}

}  // namespace

class TestDialogues : public QObject, RowFolder {
    Q_OBJECT

    /// What became of a dialogue: the reason why it is left out, or its text.
    struct Outcome {
        std::string reason = {}, text = {};
        bool is_shortened = false;
    };
    /// As the messages converter reads it and `rendering` shows it.
    static Outcome outcome_of(const Rendering& rendering, const std::vector<Turn>& turns) {
        Converted converted;
        const Value none;
        find_converter("messages")->convert(row_of(turns), {none, ""}, converted);
        if (!converted.problem.empty()) return {"problem"};
        if (converted.samples.empty()) {
            return {converted.drop_reasons.empty() ? "" : converted.drop_reasons[0]};
        }
        PromptSpec spec;
        spec.prompt_template = rendering.prompt_template;
        const auto chat_template = ChatTemplate::make(spec);
        const auto encoded =
            Encoder(*chat_template, &tokenizer(), roomy()).encode(converted.samples[0]).at(0);
        return {encoded.status == EncodeStatus::Kept ? "" : encoded.reason,
                tokenizer().decode(encoded.sample.tokens), !converted.shortened.empty()};
    }

  private Q_SLOTS:
    void no_turn_of_any_order_vanishes_under_a_template() {
        std::set<std::string> reasons;
        for (const Rendering& rendering : renderings()) {
            Rng rng(11, rendering.prompt_template);
            int kept = 0;
            for (int i = 0; i < 2000; ++i) {
                const std::vector<Turn> turns = random_dialogue(rng);
                const Outcome outcome = outcome_of(rendering, turns);
                if (!outcome.reason.empty()) {
                    reasons.insert(outcome.reason);
                    continue;
                }
                ++kept;
                const std::string fault =
                    fault_in(outcome.text, turns, rendering.header, rendering.stop);
                const std::string place = rendering.prompt_template + ", " + roles_of(turns);
                QVERIFY2(fault.empty(), (place + ": " + fault + " in " + outcome.text).c_str());
                QVERIFY2(outcome.is_shortened == has_loose_end(turns), place.c_str());
            }
            QVERIFY2(kept > 0 || rendering.prompt_template.starts_with("Only"),
                     rendering.prompt_template.c_str());
        }
        // Each with words for the person, none of them empty.
        const std::set<std::string> expected{
            "no answer",
            "no instruction and no input",
            "the template does not show every user turn",
            "the template does not show every system text",
            "replies in a row, which the template would run together",
            "a reply that the template gives no header"};
        QCOMPARE(reasons, expected);
    }

    // What the named templates are for stays in use.
    void every_named_template_shows_a_usual_dialogue() {
        const auto turn = [](Role role, const char* text) {
            return Turn{role, text, role == Role::Assistant};
        };
        for (const Rendering& rendering : renderings()) {
            if (named_by(rendering).empty()) continue;
            std::vector<Turn> turns{turn(Role::User, "w1x"), turn(Role::Assistant, "w2x"),
                                    turn(Role::User, "w3x"), turn(Role::Assistant, "w4x")};
            for (const size_t length : {size_t{2}, size_t{4}}) {
                turns.resize(length);
                QCOMPARE(outcome_of(rendering, turns).reason, std::string());
                turns.insert(turns.begin(), turn(Role::System, "w0x"));
                QCOMPARE(outcome_of(rendering, turns).reason, std::string());
                turns = {turn(Role::User, "w1x"), turn(Role::Assistant, "w2x"),
                         turn(Role::User, "w3x"), turn(Role::Assistant, "w4x")};
            }
        }
    }

    // A row of instruction and input loses neither; a template of a set's own fields has its words.
    void no_field_of_an_instruction_vanishes() {
        for (const Rendering& rendering : renderings()) {
            PromptSpec spec;
            spec.prompt_template = rendering.prompt_template;
            const auto chat_template = ChatTemplate::make(spec);
            for (int bits = 1; bits < 8; ++bits) {
                const std::string instruction = bits & 1 ? "w1x" : "";
                const std::string input = bits & 2 ? "w2x" : "";
                const std::string system = bits & 4 ? "w3x" : "";
                if (instruction.empty() && input.empty()) continue;
                Sample sample;
                sample.set_exchange(instruction, input, "w4x", system);
                const auto encoded =
                    Encoder(*chat_template, &tokenizer(), roomy()).encode(sample).at(0);
                if (encoded.status != EncodeStatus::Kept) {
                    QVERIFY(named_by(rendering).empty() && !encoded.reason.empty());
                    continue;
                }
                const std::string text = tokenizer().decode(encoded.sample.tokens);
                for (const std::string& word : {instruction, input, system}) {
                    QVERIFY2(text.find(word) != std::string::npos,
                             (rendering.prompt_template + ": " + text).c_str());
                }
            }
        }
        PromptSpec spec;
        spec.prompt_template = "{topic}? ";
        Sample sample;
        sample.set_exchange("w1x", "w2x", "w4x", "");
        sample.set_field("topic", "w5x");
        const auto own = ChatTemplate::make(spec);
        QCOMPARE(Encoder(*own, &tokenizer(), roomy()).encode(sample).at(0).status,
                 EncodeStatus::Kept);
    }

    // Cutting whole exchanges leaves a dialogue whose turns are all shown too.
    void no_turn_vanishes_when_exchanges_are_cut() {
        for (const TooLong rule : {TooLong::KeepHead, TooLong::KeepTail}) {
            Sample sample;
            for (int i = 0; i < 2; ++i) {
                const std::string place = std::to_string(i);
                sample.add_message(Role::User, "wa" + place, false);
                sample.add_message(Role::User, "wb" + place, false);
                sample.add_message(Role::Assistant, "wc" + place, true);
            }
            sample.set_field("instruction", "");
            sample.set_field("input", "wa0");
            sample.set_field("response", "wc0");
            PromptSpec spec;
            const auto chat_template = ChatTemplate::make(spec);
            EncodePolicy policy;
            policy.sample_limit = 60;
            policy.too_long = rule;
            const auto cut = Encoder(*chat_template, &tokenizer(), policy).encode(sample).at(0);
            QCOMPARE(cut.status, EncodeStatus::Kept);
            const std::string text = tokenizer().decode(cut.sample.tokens);
            const std::string place = rule == TooLong::KeepHead ? "0" : "1";
            for (const char* const word : {"wa", "wb", "wc"}) {
                QVERIFY2(text.find(word + place) != std::string::npos, text.c_str());
            }
        }
    }

    void no_turn_vanishes_under_a_models_template() {
        struct Own {
            std::string name, text, bos, eos;
            std::vector<std::string> specials;
        };
        std::vector<Own> all;
        for (const auto& one : read_fixture("templates/fixtures/chat_templates.json")) {
            const std::string text = one["template"];
            if (!all.empty() && all.back().text == text) continue;
            all.push_back({one["name"], text, one["bos"], one["eos"], one["specials"]});
        }
        // Templates of a kind that published ones have, each losing something.
        const auto add = [&](const std::string& name, const std::string& turn) {
            all.push_back({name,
                           "{% for m in messages %}" + turn + "{% endfor %}",
                           "<s>",
                           "</s>",
                           {"<s>", "</s>"}});
        };
        add("no system", "{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}</s>{% endif %}");
        add("first system",
            "{% if m.role != 'system' or loop.first %}<{{ m.role }}>{{ m.content }}</s>"
            "{% endif %}");
        add("early users",
            "{% if m.role != 'user' or loop.index0 < 2 %}<{{ m.role }}>{{ m.content }}</s>"
            "{% endif %}");
        add("no header",
            "{% if m.role == 'assistant' %}{{ ' ' + m.content }}</s>"
            "{% else %}[{{ m.content }}]{% endif %}");
        QTemporaryDir own_folder;
        const std::filesystem::path own = own_folder.path().toStdString();
        for (const Own& one : all) {
            const ByteTokenizer with(one.specials, one.bos, one.eos);
            const auto chat_template =
                ChatTemplate::make(model_recipe(own, one.text, one.bos, one.eos), &with);
            QVERIFY2(chat_template.ok(), one.name.c_str());
            const Encoder encoder(*chat_template, &with, roomy());
            Rng rng(12, one.name);
            int kept = 0;
            for (int i = 0; i < 200; ++i) {
                std::vector<Turn> turns = random_dialogue(rng);
                Sample sample;
                sample.insert_messages(0, turns);
                const auto encoded = encoder.encode(sample).at(0);
                if (encoded.status != EncodeStatus::Kept) {
                    QVERIFY(!encoded.reason.empty());
                    continue;
                }
                ++kept;
                const std::string text = with.decode(encoded.sample.tokens);
                size_t at = 0;
                for (size_t turn = 0; turn < turns.size(); ++turn) {
                    const std::string word(trim(turns[turn].content));
                    const size_t found = text.find(word, at);
                    const std::string place = one.name + ", " + roles_of(turns) + ": " + word;
                    QVERIFY2(found != std::string::npos, (place + " in " + text).c_str());
                    const bool follows = turn > 0 && turns[turn].role == Role::Assistant &&
                                         turns[turn - 1].role == Role::Assistant && !word.empty() &&
                                         !is_blank(turns[turn - 1].content);
                    // Something of the template stands between: an end and a header.
                    const std::string between = text.substr(at, found - at);
                    QVERIFY2(!follows || between.find_first_not_of("</s> \n") != std::string::npos,
                             (place + " in " + text).c_str());
                    if (!word.empty()) at = found + word.size();
                }
            }
            QVERIFY2(kept > 0, one.name.c_str());
        }
        // prompt.system is for all rows: a template that leaves it out is told at once.
        Recipe recipe = model_recipe(own, all[all.size() - 4].text, "<s>", "</s>");
        const ByteTokenizer with({"<s>", "</s>"}, "<s>", "</s>");
        QVERIFY(ChatTemplate::make(recipe, &with).ok());
        recipe.prompt.system = "Be kind.";
        QVERIFY(!ChatTemplate::make(recipe, &with).ok());
    }

    void a_prompt_that_is_not_shown_is_no_prompt() {
        Sample sample;
        sample.set_exchange("", "Why?", "", "");
        PromptSpec spec;
        spec.prompt_template = "{instruction}: ";
        const auto blind = ChatTemplate::make(spec);
        const auto refused = Encoder(*blind, &tokenizer(), roomy()).encode_prompt(sample);
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().message.find("user turn") != std::string::npos);
    }

    // Marks hold under `train_on: all` too, in both kinds of templates; what asks for more than
    // train_on gives is left out.
    void marks_of_turns_hold_whatever_is_trained() {
        QTemporaryDir own_folder;
        const std::string chat =
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
            "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        Recipe own = model_recipe(own_folder.path().toStdString(), chat, "", "</s>");
        Recipe named;
        named.prompt.prompt_template = "human_assistant";
        struct Case {
            std::vector<Turn> turns;
            TrainOn train_on;
            std::string named, own;  // as marked, or the reason
        };
        const auto ask = [](TrainMark mark) { return Turn{Role::User, "a", false, mark}; };
        const auto reply = [](TrainMark mark) {
            return Turn{Role::Assistant, "b", mark != TrainMark::Off, mark};
        };
        const TrainMark none = TrainMark::None, off = TrainMark::Off, on = TrainMark::On;
        const std::string no_reply = "a mark asks to train a turn that is no reply";
        const std::string some = "a question of several turns of which only some are to be trained";
        const Case cases[] = {
            {{ask(off), reply(none)},
             TrainOn::All,
             "<s>⟦Human: ⟧a⟦\nAssistant: b</s>⟧",
             "<s>⟦<|im_start|>user\n⟧a⟦<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n⟧"},
            {{ask(none), reply(off), ask(on), reply(on)},
             TrainOn::All,
             "<s>⟦Human: a\nAssistant: ⟧b</s>⟦Human: a\nAssistant: b</s>⟧",
             "<s>⟦<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟧b<|im_end|>⟦\n"
             "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n⟧"},
            {{ask(off), reply(off), ask(none), reply(on)},
             TrainOn::Response,
             "<s>Human: a\nAssistant: b</s>Human: a\nAssistant: ⟦b</s>⟧",
             "<s><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
             "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n⟦b<|im_end|>⟧\n"},
            {{ask(on), reply(none)}, TrainOn::Response, no_reply, no_reply},
            {{ask(on), reply(none)}, TrainOn::LastResponse, no_reply, no_reply},
            {{ask(off), ask(none), reply(none)}, TrainOn::All, some, some},
        };
        for (const Case& one : cases) {
            for (Recipe* const recipe : {&named, &own}) {
                recipe->prompt.train_on = one.train_on;
                const auto chat_template = ChatTemplate::make(*recipe, &tokenizer());
                QVERIFY(chat_template.ok());
                Sample sample;
                sample.insert_messages(0, one.turns);
                sample.set_field("input", "a");
                const auto encoded =
                    Encoder(*chat_template, &tokenizer(), roomy()).encode(sample).at(0);
                const std::string found = encoded.status == EncodeStatus::Kept
                                              ? marked_text(encoded.sample, tokenizer())
                                              : encoded.reason;
                QVERIFY2(found == (recipe == &own ? one.own : one.named), found.c_str());
            }
        }
    }

    // The count and its reason are where a person looks.
    void rows_left_out_are_counted_with_their_reason() {
        const auto row = [](const std::vector<Turn>& turns) { return row_of(turns).json() + "\n"; };
        const Turn ask{Role::User, "w1x"}, more{Role::User, "w2x"};
        const Turn reply{Role::Assistant, "w3x", true};
        Recipe recipe = recipe_of({write(row({ask, reply}) + row({ask, more, reply}) +
                                         row({ask, reply, reply}) + row({ask, reply, more}))});
        const auto data = compile_data(recipe, &tokenizer(), folder() / "cache");
        QVERIFY2(data.ok(), data.ok() ? "" : data.error().text().c_str());
        const SourceReport& report = (*data)->sources[0];
        QCOMPARE(report.rows_in, int64_t{4});
        QCOMPARE(report.dropped.total(), int64_t{2});
        const auto json = nlohmann::json::parse(*data_report_json(**data, &tokenizer()));
        const auto& dropped = json["sources"][0]["dropped"];
        const std::string hidden = "the template does not show every user turn";
        QCOMPARE(dropped[hidden]["count"].get<int>(), 1);
        QCOMPARE(dropped[hidden]["examples"][0].get<std::string>(), std::string("row 2"));
        const std::string joined = "replies in a row, which the template would run together";
        QCOMPARE(dropped[joined]["count"].get<int>(), 1);
        const auto& shortened = json["sources"][0]["shortened"];
        QCOMPARE(shortened["turns behind the last reply"]["count"].get<int>(), 1);
        // A cache that is there tells the same.
        const auto again = compile_data(recipe, &tokenizer(), folder() / "cache");
        QVERIFY((*again)->sources[0].from_cache);
        QCOMPARE((*again)->sources[0].shortened.total(), int64_t{1});
    }

  private:
    static std::string named_by(const Rendering& rendering) {
        const auto names = template_names();
        const bool is_named =
            std::find(names.begin(), names.end(), rendering.prompt_template) != names.end();
        return is_named ? rendering.prompt_template : "";
    }
};

DAYRUN_TEST(TestDialogues)
#include "test_dialogues.moc"
