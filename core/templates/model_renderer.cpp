// Dialogues through a model's chat_template, as pieces. Neighbours: model_template.h,
// rendered_dialogue.h cuts the rendered text.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/templates/model_template.h"
#include "core/templates/rendered_dialogue.h"
#include "core/tokens/jinja/template.h"

namespace dayrun::core {
namespace {

std::string_view role_name(Role role) {
    if (role == Role::System) return "system";
    return role == Role::User ? "user" : "assistant";
}

class ModelRenderer final : public TemplateRenderer {
  public:
    ModelRenderer(jinja::Template parsed, const ModelTemplate& source, const PromptSpec& spec,
                  const Tokenizer& tokenizer)
        : m_template(std::move(parsed)),
          m_special_tokens(source.special_tokens),
          m_spec(spec),
          m_tokenizer(tokenizer) {
        add_named_token("bos_token", tokenizer.bos_id());
        add_named_token("eos_token", tokenizer.eos_id());
    }

    /// Tries the template on small dialogues: what it refuses now it would refuse of every row.
    Result<void> probe(const std::string& file) {
        const std::vector<Turn> question{{Role::User, "a", false}};
        auto open = text_of(question, true);
        auto closed = text_of(question, false);
        m_openers.clear();
        if (open.ok() && closed.ok() && open->bytes().starts_with(closed->bytes())) {
            const auto tail = std::string_view(open->bytes()).substr(closed->size());
            for (const SpecialMatch& match : m_tokenizer.find_specials(tail)) {
                m_openers.push_back(match.id);
            }
        }
        if (const auto bos = m_tokenizer.bos_id()) m_openers.push_back(*bos);
        std::vector<Turn> exchange = question;
        exchange.push_back({Role::Assistant, "b", true});
        auto plain = dialogue_of(exchange);
        if (!plain.ok()) {
            Error error = std::move(plain).error();
            error.code = ErrorCode::BadTokenizer;
            error.message = fmt::format(
                "The chat_template of {} refuses a question and an answer: "
                "{}.",
                file, error.message);
            return error;
        }
        if (plain->adds_stop()) {
            m_notes.emplace_back(
                "The model's chat_template ends a reply with no special token; the tokenizer's EOS "
                "is put behind each trained reply.");
        }
        if (m_spec.system.empty()) return {};
        exchange.insert(exchange.begin(), {Role::System, m_spec.system, false});
        const auto with_system = dialogue_of(exchange);
        if (with_system.ok() && with_system->unfit() != kHiddenSystem) return {};
        return Error{.code = ErrorCode::BadRecipe,
                     .message = with_system.ok()
                                    ? "The model's chat_template does not show prompt.system."
                                    : fmt::format("The model's chat_template refuses "
                                                  "prompt.system: {}.",
                                                  with_system.error().message),
                     .hint = "Leave prompt.system empty."};
    }

    Result<RenderedSample> render(const Sample& sample) const override {
        if (sample.messages().empty()) return RenderedSample{plain_text_pieces(sample)};
        TRY(dialogue, dialogue_of(turns_of(sample)));
        std::string unfit = unfit_marks(sample, m_spec.train_on);
        if (unfit.empty()) unfit = dialogue.unfit();
        return RenderedSample{dialogue.pieces(m_spec.train_on), std::move(unfit)};
    }

    Result<RenderedSample> render_prompt(const Sample& sample) const override {
        if (sample.messages().empty()) return RenderedSample{plain_text_pieces(sample)};
        std::vector<Turn> turns = turns_of(sample);
        const auto last = std::find_if(turns.rbegin(), turns.rend(), [](const Turn& turn) {
            return turn.role == Role::Assistant;
        });
        if (last != turns.rend()) turns.erase(std::prev(last.base()), turns.end());
        for (Turn& turn : turns) turn.is_trained = false;
        TRY(text, text_of(turns, true));
        const RenderedDialogue dialogue(std::move(text), turns, m_tokenizer, m_openers);
        return RenderedSample{dialogue.pieces(TrainOn::Response), dialogue.unfit()};
    }

    Result<void> check_fields(const Sample&) const override { return {}; }
    std::vector<std::string> notes() const override { return m_notes; }

  private:
    void add_named_token(const char* name, std::optional<int32_t> id) {
        const auto is_named = [&](const auto& token) { return token.first == name; };
        if (!id || std::any_of(m_special_tokens.begin(), m_special_tokens.end(), is_named)) return;
        m_special_tokens.emplace_back(name, m_tokenizer.piece(*id));
    }

    /// Two user turns in a row are one question, as in the named templates.
    std::vector<Turn> turns_of(const Sample& sample) const {
        std::vector<Turn> turns;
        const auto messages = sample.messages();
        const bool has_system = messages.front().role == Role::System;
        if (!has_system && !m_spec.system.empty()) {
            turns.push_back({Role::System, m_spec.system, false});
        }
        for (size_t i = 0; i < messages.size(); ++i) {
            const Message message = messages[i];
            const bool joins =
                message.role == Role::User && !turns.empty() && turns.back().role == Role::User;
            if (joins) {
                turns.back().content.append("\n\n").append(message.content);
                continue;
            }
            const bool is_trained =
                message.role == Role::Assistant && is_trained_turn(sample, i, m_spec.train_on);
            turns.push_back({message.role, std::string(message.content), is_trained, message.mark});
        }
        return turns;
    }

    Result<jinja::Text> text_of(std::span<const Turn> turns, bool adds_prompt) const {
        std::vector<jinja::Value> messages;
        for (size_t i = 0; i < turns.size(); ++i) {
            auto message = std::make_shared<jinja::Dict>();
            message->set("role", jinja::Text(std::string(role_name(turns[i].role))));
            message->set("content", jinja::Text(turns[i].content, static_cast<int32_t>(i)));
            messages.emplace_back(std::move(message));
        }
        jinja::Context context{{"messages", jinja::make_list(std::move(messages))},
                               {"tools", jinja::None{}},
                               {"documents", jinja::None{}},
                               {"add_generation_prompt", adds_prompt}};
        for (const auto& [name, token] : m_special_tokens) {
            context.emplace_back(name, jinja::Text(token));
        }
        return m_template.render(std::move(context));
    }

    Result<RenderedDialogue> dialogue_of(const std::vector<Turn>& turns) const {
        TRY(text, text_of(turns, false));
        RenderedDialogue dialogue(std::move(text), turns, m_tokenizer, m_openers);
        for (size_t i = 0; i < turns.size(); ++i) {
            if (turns[i].role != Role::Assistant) continue;
            // What stands before a reply when it is asked for. A template that refuses such a
            // beginning shows its replies by their content alone.
            const auto prompt = text_of(std::span(turns).first(i), true);
            dialogue.add_reply(i, prompt.ok() ? prompt->bytes() : std::string());
        }
        return dialogue;
    }

    jinja::Template m_template;
    std::vector<std::pair<std::string, std::string>> m_special_tokens;
    PromptSpec m_spec;
    const Tokenizer& m_tokenizer;
    std::vector<int32_t> m_openers;  // tokens that begin a turn, so they never end one
    std::vector<std::string> m_notes;
};

}  // namespace

Result<std::unique_ptr<const TemplateRenderer>> make_model_renderer(const ModelTemplate& source,
                                                                    const PromptSpec& spec,
                                                                    const Tokenizer& tokenizer) {
    auto parsed = jinja::Template::parse(source.text);
    if (!parsed.ok()) {
        Error error = std::move(parsed).error();
        error.where.file = source.file;
        return error;
    }
    auto renderer =
        std::make_unique<ModelRenderer>(std::move(parsed).value(), source, spec, tokenizer);
    TRY_VOID(renderer->probe(source.file));
    return std::unique_ptr<const TemplateRenderer>(std::move(renderer));
}

}  // namespace dayrun::core
