// prompt.template: model. Templates in the manner of the known families with their golden text
// (by jinja2), mask and stop token (fixtures/chat_templates.json), and what a template may refuse.
#include <QTemporaryDir>
#include <QTest>

#include "core/templates/template_check.h"
#include "tests/core/templates/template_fixture.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::tests;

/// QCOMPARE of texts that shows them.
#define SAME_TEXT(actual, expected)                                        \
    do {                                                                   \
        const std::string found_text = (actual);                           \
        QVERIFY2(found_text == std::string(expected), found_text.c_str()); \
    } while (false)

namespace {

EncodePolicy roomy() {
    EncodePolicy policy;
    policy.sample_limit = 100000;
    return policy;
}

const char* const kChatMl =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

const ByteTokenizer s_chatml({"<|im_start|>", "<|im_end|>", "<eos>"}, "", "<eos>");

}  // namespace

class TestModelTemplate : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::filesystem::path folder() { return m_folder.path().toStdString(); }

    Result<std::string> marked(const std::string& text, const Sample& sample,
                               TrainOn train_on = TrainOn::Response) {
        Recipe recipe = model_recipe(folder(), text, "", "<eos>");
        recipe.prompt.train_on = train_on;
        TRY(chat_template, ChatTemplate::make(recipe, &s_chatml));
        const auto encoded = Encoder(chat_template, &s_chatml, roomy()).encode(sample).at(0);
        if (encoded.status != EncodeStatus::Kept) return encoded.reason;
        return marked_text(encoded.sample, s_chatml);
    }
    static Sample exchange(const std::string& question, const std::string& answer) {
        return sample_of({{{"role", "user"}, {"content", question}},
                          {{"role", "assistant"}, {"content", answer}}});
    }

  private Q_SLOTS:
    void every_family_has_its_text_mask_and_stop_token() {
        const auto cases = read_fixture("templates/fixtures/chat_templates.json");
        QVERIFY(cases.size() > 30);
        for (const auto& one : cases) {
            const std::string name = one["name"];
            const ByteTokenizer tokenizer(one["specials"], one["bos"], one["eos"]);
            const auto chat_template = ChatTemplate::make(
                model_recipe(folder(), one["template"], one["bos"], one["eos"]), &tokenizer);
            QVERIFY2(
                chat_template.ok(),
                (name + ": " + (chat_template.ok() ? "" : chat_template.error().text())).c_str());
            const Encoder encoder(*chat_template, &tokenizer, roomy());
            const Sample sample = sample_of(one["messages"]);
            const EncodedSample encoded = encoder.encode(sample).at(0);
            if (one.contains("error")) {
                QCOMPARE(encoded.status, EncodeStatus::Refused);
                SAME_TEXT(encoded.reason, one["error"].get<std::string>());
                continue;
            }
            const std::string found = marked_text(encoded.sample, tokenizer);
            QVERIFY2(found == one["marked"], (name + ": " + found).c_str());
            QVERIFY(encoded.sample.labels.back() == kIgnoreLabel ||
                    encoded.sample.labels.back() >= 300);
            const auto prompt = encoder.encode_prompt(sample);
            QVERIFY(prompt.ok());
            std::string text = tokenizer.decode(*prompt);
            const std::string bos = one["bos"];
            const std::string expected = one["prompt"];
            if (!expected.starts_with(bos)) text.erase(0, bos.size());
            QVERIFY2(text == expected, (name + ": " + text).c_str());
        }
    }

    void the_last_reply_or_everything_can_be_trained() {
        const Sample two = sample_of({{{"role", "user"}, {"content", "a"}},
                                      {{"role", "assistant"}, {"content", "b"}},
                                      {{"role", "user"}, {"content", "c"}},
                                      {{"role", "assistant"}, {"content", "d"}}});
        SAME_TEXT(*marked(kChatMl, two, TrainOn::LastResponse),
                  std::string("<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
                              "<|im_start|>user\nc<|im_end|>\n"
                              "<|im_start|>assistant\n⟦d<|im_end|>⟧\n"));
        const std::string all = *marked(kChatMl, two, TrainOn::All);
        QVERIFY(all.starts_with("⟦<|im_start|>user") && all.ends_with("\n⟧"));
    }

    // Special tokens that a person wrote stay text, and an unusual reply is found by its place.
    void contents_are_never_searched() {
        SAME_TEXT(*marked(kChatMl, exchange("<|im_start|>assistant\nx<|im_end|>", "user")),
                  std::string("<|im_start|>user\n<|im_start|>assistant\nx<|im_end|><|im_end|>\n"
                              "<|im_start|>assistant\n⟦user<|im_end|>⟧\n"));
        const auto recipe = model_recipe(folder(), kChatMl, "", "<eos>");
        const auto chat_template = ChatTemplate::make(recipe, &s_chatml);
        const auto encoded = Encoder(*chat_template, &s_chatml, roomy())
                                 .encode(exchange("<|im_end|>", "<|im_end|>"))
                                 .at(0);
        const auto& tokens = encoded.sample.tokens;
        QCOMPARE(std::count(tokens.begin(), tokens.end(), 301), std::ptrdiff_t{2});
    }

    void an_empty_reply_teaches_to_stop_at_once() {
        SAME_TEXT(*marked(kChatMl, exchange("a", "")),
                  std::string("<|im_start|>user\na<|im_end|>\n"
                              "<|im_start|>assistant\n⟦<|im_end|>⟧\n"));
    }

    void what_trains_nothing_says_why() {
        SAME_TEXT(*marked("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
                          exchange("a", "b")),
                  std::string("the template does not show the reply"));
        Sample none = exchange("a", "b");
        none.set_trained(1, false);
        SAME_TEXT(*marked(kChatMl, none), std::string("no reply is marked for training"));
        none.erase_messages(1, 2);
        SAME_TEXT(*marked(kChatMl, none), std::string("there is no reply"));
    }

    void a_system_text_that_is_refused_is_told_at_once() {
        Recipe recipe = model_recipe(
            folder(),
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" +
                std::string(kChatMl),
            "", "<eos>");
        QVERIFY(ChatTemplate::make(recipe, &s_chatml).ok());
        recipe.prompt.system = "Be kind.";
        const auto refused = ChatTemplate::make(recipe, &s_chatml);
        QVERIFY(!refused.ok());
        QVERIFY(refused.error().message.find("no system") != std::string::npos);
    }

    void exactly_one_bos_whoever_writes_it() {
        const ByteTokenizer tokenizer({"<s>", "</s>"}, "<s>", "</s>");
        for (const bool writes : {true, false}) {
            const auto recipe =
                model_recipe(folder(),
                             std::string(writes ? "{{ bos_token }}" : "") +
                                 "{% for m in messages %}{{ m.content }}</s>{% endfor %}",
                             "<s>", "</s>");
            const auto chat_template = ChatTemplate::make(recipe, &tokenizer);
            QVERIFY(chat_template.ok());
            EncodePolicy policy = roomy();
            const auto text = [&] {
                const Encoder encoder(*chat_template, &tokenizer, policy);
                return marked_text(encoder.encode(exchange("a", "b")).at(0).sample, tokenizer);
            };
            SAME_TEXT(text(), std::string("<s>a</s>⟦b</s>⟧"));
            policy.bos = BosRule::Never;
            SAME_TEXT(text(), std::string("a</s>⟦b</s>⟧"));
        }
    }

    void cutting_takes_whole_exchanges() {
        const auto recipe = model_recipe(folder(), kChatMl, "", "<eos>");
        const auto chat_template = ChatTemplate::make(recipe, &s_chatml);
        const Sample two = sample_of({{{"role", "system"}, {"content", "s"}},
                                      {{"role", "user"}, {"content", "a"}},
                                      {{"role", "assistant"}, {"content", "b"}},
                                      {{"role", "user"}, {"content", "c"}},
                                      {{"role", "assistant"}, {"content", "d"}}});
        EncodePolicy policy = roomy();
        policy.sample_limit = 50;
        for (const bool keeps_head : {true, false}) {
            policy.too_long = keeps_head ? TooLong::KeepHead : TooLong::KeepTail;
            const Encoder encoder(*chat_template, &s_chatml, policy);
            const auto cut = encoder.encode(two).at(0);
            const std::string kept = keeps_head ? "user\na<|im_end|>\n<|im_start|>assistant\n⟦b"
                                                : "user\nc<|im_end|>\n<|im_start|>assistant\n⟦d";
            SAME_TEXT(marked_text(cut.sample, s_chatml),
                      "<|im_start|>system\ns<|im_end|>\n"
                      "<|im_start|>" +
                          kept + "<|im_end|>⟧\n");
            QVERIFY(!cut.sample.lost_stop_token);
        }
    }

    // What the window asks while a template is written.
    void a_check_shows_spans_or_the_place_of_the_mistake() {
        Recipe recipe;
        recipe.prompt.prompt_template = "Do {instruction}\n[[on {input}";
        const Sample sample = example_sample();
        const auto open = check_template(recipe, &s_chatml, sample);
        QVERIFY(open.error.has_value());
        QCOMPARE(open.error->where.line, 2);
        QCOMPARE(open.error->where.column, 1);
        recipe.prompt.prompt_template = "Do {instructions}";
        QVERIFY(check_template(recipe, &s_chatml, sample).error->hint.find("instruction") !=
                std::string::npos);
        recipe.prompt.prompt_template = "Do {instruction}[[ on {input}]]: ";
        const auto check = check_template(recipe, &s_chatml, sample);
        QVERIFY(!check.error);
        std::string shown;
        for (const TemplateSpan& span : check.spans) {
            shown += (span.is_trained ? "+" : "") + span.part + "(" + span.text + ")";
        }
        QCOMPARE(shown, std::string("template(Do )instruction(Add the numbers.)template( on )"
                                    "input(1 and 2)template(: )+response(3)+stop(<eos>)"));
        QVERIFY(check.notes.empty());
        recipe = model_recipe(folder(), "{{ messages[0].content }}\n{{ x | sort }}", "", "<eos>");
        const auto refused = check_template(recipe, &s_chatml, sample);
        QCOMPARE(refused.error->where.line, 2);
        QCOMPARE(refused.error->code, ErrorCode::Unsupported);
    }

    void the_places_of_a_template_in_their_order() {
        std::ofstream(folder() / "chat_template.jinja") << "{{ messages[1].content }}!\n";
        const Recipe recipe = model_recipe(folder(), kChatMl, "", "<eos>");
        const auto own = ChatTemplate::make(recipe, &s_chatml);
        std::filesystem::remove(folder() / "chat_template.jinja");
        QVERIFY(own.ok());
        const auto other = ChatTemplate::make(recipe, &s_chatml);
        QVERIFY(own->fingerprint() != other->fingerprint());
        QVERIFY(own->notes().size() == 1 && other->notes().empty());
        std::ofstream(folder() / "tokenizer_config.json") << nlohmann::json{
            {"chat_template",
             {{{"name", "tool"}, {"template", "x"}},
              {{"name", "default"}, {"template", "{{ oops }"}}}}}.dump();
        const auto broken = ChatTemplate::make(recipe, &s_chatml);
        QVERIFY(!broken.ok());
        QVERIFY(broken.error().where.file.ends_with("tokenizer_config.json"));
        std::ofstream(folder() / "tokenizer_config.json") << "{}";
        QVERIFY(ChatTemplate::make(recipe, &s_chatml).error().message.find("no chat_template") !=
                std::string::npos);
    }
};

DAYRUN_TEST(TestModelTemplate)
#include "test_model_template.moc"
