// A sample by a shape: turn by turn, each piece marked by its place. Neighbours: template_shape.h,
// chat_template.h. Read-only: any thread.
#include <fmt/format.h>

#include <algorithm>

#include "core/data/text.h"
#include "core/templates/template_shape.h"

namespace dayrun::core {
namespace {

/// The fields that one user turn shows, as views of the sample and of the turn's text.
struct TurnFields {
    std::string_view instruction = {}, input = {}, prompt = {}, system = {};
    const Sample* others = nullptr;  // whose other fields are shown

    std::string_view operator[](std::string_view name) const {
        if (name == "instruction") return instruction;
        if (name == "input") return input;
        if (name == "prompt") return prompt;
        if (name == "system") return system;
        return others == nullptr || name == "response" ? std::string_view() : others->field(name);
    }
};

/// The turns between two replies: one question of the template.
struct Question {
    std::string text;
    size_t turns = 0, texts = 0;  // `texts`: turns that are not blank
    bool has_system = false;      // one of those is a system text
    bool is_masked = false;       // by its marks

    void add(const Message& message) {
        if (turns++ > 0) text += "\n\n";
        text += message.content;
        is_masked = message.mark == TrainMark::Off;
        if (is_blank(message.content)) return;
        ++texts;
        has_system = has_system || message.role == Role::System;
    }
};

/// Writes the pieces of one sample.
class Renderer {
  public:
    Renderer(const TemplateShape& shape, const Sample& sample)
        : m_shape(shape), m_sample(sample), m_is_all(shape.train_on == TrainOn::All) {}

    RenderedSample render() {
        const auto messages = m_sample.messages();
        if (messages.empty()) return {plain_text_pieces(m_sample)};
        m_unfit = unfit_marks(m_sample, m_shape.train_on);
        const Message first = messages.front();
        const bool has_system = first.role == Role::System;
        m_system = has_system ? first.content : m_shape.system_text;
        m_is_system_masked = has_system && first.mark == TrainMark::Off;
        if (!m_system.empty() && !m_shape.system.empty()) {
            m_turn = -1;
            add_bits(m_shape.system, {.system = m_system}, false);
        }
        m_turn = -1;
        Question question;
        for (size_t i = has_system ? 1 : 0; i < messages.size(); ++i) {
            const Message message = messages[i];
            if (message.role != Role::Assistant) {
                // Two user turns in a row are one question; so is a system text between turns.
                question.add(message);
                continue;
            }
            if (question.turns > 0 || m_turn < 0) {
                add_prompt(question);
            } else {
                note(kJoinedReplies);
            }
            add_reply(message.content, is_trained_turn(m_sample, i, m_shape.train_on),
                      i + 1 < messages.size());
            question = {};
        }
        if (question.turns > 0) add_prompt(question);
        if (!is_blank(m_system) && !m_shows_system) note(kHiddenSystem);
        return {std::move(m_pieces), std::move(m_unfit)};
    }

  private:
    /// A single exchange made of instruction and input is shown by its fields; a turn of a dialogue
    /// is all `input`.
    TurnFields turn_fields(std::string_view user) const {
        TurnFields fields{.prompt = user};
        const bool is_first = m_turn == 0;
        const auto messages = m_sample.messages();
        const auto replies = std::count_if(messages.begin(), messages.end(), [](const Message& m) {
            return m.role == Role::Assistant;
        });
        if (is_first) {
            fields.others = &m_sample;
            fields.system = m_system;
        }
        if (!is_first || replies > 1) {
            fields.input = user;
        } else {
            fields.instruction = m_sample.field("instruction");
            fields.input = m_sample.field("input");
        }
        return fields;
    }

    void add_prompt(const Question& question) {
        ++m_turn;
        m_shown.clear();
        m_shows_question = false;
        const size_t before = m_pieces.size();
        TurnFields fields = turn_fields(question.text);
        const bool is_first = m_turn == 0;
        if (m_shape.name == "alpaca" && is_first) {
            const bool has_both = !fields.instruction.empty() && !fields.input.empty();
            add_bits(alpaca_prompt(has_both), fields, question.is_masked);
        } else {
            if (m_shape.name == "upaya" && is_first && fields.input.empty()) {
                // A row without input asks by its instruction: there is always an input part.
                std::swap(fields.instruction, fields.input);
            }
            if (m_shape.name == "percent_bfd" && is_first && fields.instruction.empty()) {
                std::swap(fields.instruction, fields.input);
            }
            add_bits(is_first ? m_shape.first_prompt : m_shape.later_prompt, fields,
                     question.is_masked);
        }
        if (!shows(question, fields)) note(question.has_system ? kHiddenSystem : kHiddenUser);
        // Of a template that is all optional nothing is left where the question is blank.
        if (m_pieces.size() == before) note(kBareReply);
    }

    /// Whether the prompt written last shows all of its question: by its text, or field by field.
    bool shows(const Question& question, const TurnFields& fields) const {
        if (question.texts == 0 || m_shows_question) return true;
        // An instruction and its input stand for one turn, never for several. A template that takes
        // other fields of the row words the question itself, as data[].fields does.
        if (question.texts > 1 || is_blank(fields.instruction)) return false;
        const auto has = [&](std::string_view name) {
            return std::find(m_shown.begin(), m_shown.end(), name) != m_shown.end();
        };
        const bool has_own_words =
            std::any_of(m_shown.begin(), m_shown.end(), [](const std::string& name) {
                return name != "instruction" && name != "input" && name != "system";
            });
        return has_own_words || (has("instruction") && (is_blank(fields.input) || has("input")));
    }

    /// The first reason stays.
    void note(std::string_view reason) {
        if (m_unfit.empty()) m_unfit = reason;
    }

    void add_reply(std::string_view content, bool is_trained, bool has_more) {
        TextPiece reply{PieceKind::Content, shown(content), "response", is_trained, m_turn};
        reply.has_leading_space = m_shape.has_spaces_around_reply;
        if (m_shape.has_spaces_around_reply) reply.text += ' ';
        m_pieces.push_back(std::move(reply));
        m_pieces.push_back({PieceKind::Stop, m_shape.stop, "stop", is_trained, m_turn});
        if (has_more) add_bits(m_shape.after_reply, {}, false);
    }

    std::string shown(std::string_view content) const {
        return std::string(m_shape.strips_content ? trim(content) : content);
    }

    /// `is_masked`: the marks of the turn leave it out even where all is trained.
    void add_bits(const std::vector<TemplateBit>& bits, const TurnFields& fields, bool is_masked) {
        for (const TemplateBit& bit : bits) {
            if (bit.is_optional && lacks_field(bits, bit.group, fields)) continue;
            TextPiece piece{bit.kind, bit.text, "template", m_is_all, m_turn};
            piece.is_apart = bit.is_apart;
            if (bit.kind == PieceKind::Content) {
                const bool is_system = bit.text == "system";
                piece.text = shown(fields[bit.text]);
                piece.part = bit.text == "prompt" ? "input" : bit.text;
                piece.is_trained = m_is_all && !(is_system ? m_is_system_masked : is_masked);
                if (piece.text.empty()) continue;
                m_shown.push_back(bit.text);
                m_shows_system = m_shows_system || is_system;
                const bool is_question = !is_system && trim(piece.text) == trim(fields.prompt);
                m_shows_question = m_shows_question || is_question;
            }
            m_pieces.push_back(std::move(piece));
        }
    }

    bool lacks_field(const std::vector<TemplateBit>& bits, int group,
                     const TurnFields& fields) const {
        return std::any_of(bits.begin(), bits.end(), [&](const TemplateBit& bit) {
            return bit.is_optional && bit.group == group && bit.kind == PieceKind::Content &&
                   (m_shape.keeps_blank_fields ? fields[bit.text].empty()
                                               : is_blank(fields[bit.text]));
        });
    }

    const TemplateShape& m_shape;
    const Sample& m_sample;
    const bool m_is_all;
    std::string_view m_system;
    bool m_is_system_masked = false;
    bool m_shows_system = false;
    int32_t m_turn = -1;
    std::vector<std::string> m_shown;  // fields in the prompt written last
    bool m_shows_question = false;     // one of them is all of its question
    std::vector<TextPiece> m_pieces;
    std::string m_unfit;
};

/// The door of TemplateRenderer over a shape.
class ShapeRenderer final : public TemplateRenderer {
  public:
    explicit ShapeRenderer(TemplateShape shape) : m_shape(std::move(shape)) {}

    Result<RenderedSample> render(const Sample& sample) const override {
        return Renderer(m_shape, sample).render();
    }

    Result<RenderedSample> render_prompt(const Sample& sample) const override {
        RenderedSample rendered = Renderer(m_shape, sample).render();
        std::vector<TextPiece>& pieces = rendered.pieces;
        const auto is_reply = [](const TextPiece& piece) { return piece.part == "response"; };
        const auto last = std::find_if(pieces.rbegin(), pieces.rend(), is_reply);
        if (last != pieces.rend()) pieces.erase(std::prev(last.base()), pieces.end());
        return rendered;
    }

    Result<void> check_fields(const Sample& sample) const override {
        if (sample.messages().empty()) return {};
        for (const TemplateBit& bit : m_shape.first_prompt) {
            const bool is_ours = bit.text == "prompt" || bit.text == "system";
            if (bit.kind != PieceKind::Content || is_ours || sample.has_field(bit.text)) {
                continue;
            }
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The template uses {{{}}}, a field the samples do "
                                                "not have.",
                                                bit.text),
                         .hint = "Their fields are:" + sample.field_names() + "."};
        }
        return {};
    }

  private:
    TemplateShape m_shape;
};

}  // namespace

std::unique_ptr<const TemplateRenderer> make_shape_renderer(TemplateShape shape) {
    return std::make_unique<const ShapeRenderer>(std::move(shape));
}

}  // namespace dayrun::core
