// A sample by a shape: turn by turn, each piece marked by its place. Neighbours: template_shape.h,
// chat_template.h. Read-only: any thread.
#include <fmt/format.h>

#include <algorithm>

#include "core/data/text.h"
#include "core/tokens/templates/template_shape.h"

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

/// Writes the pieces of one sample.
class Renderer {
  public:
    Renderer(const TemplateShape& shape, const Sample& sample) : m_shape(shape), m_sample(sample) {}

    std::vector<TextPiece> render() {
        const auto messages = m_sample.messages();
        if (messages.empty()) return plain_text_pieces(m_sample);
        const Message first = messages.front();
        m_system = first.role == Role::System ? first.content : m_shape.system_text;
        if (!m_system.empty() && !m_shape.system.empty()) {
            m_turn = -1;
            add_bits(m_shape.system, {.system = m_system}, false);
        }
        m_turn = -1;
        const bool is_all = m_shape.train_on == TrainOn::All;
        std::string user;
        bool has_user = false;
        for (size_t i = 0; i < messages.size(); ++i) {
            const Message message = messages[i];
            const bool is_late_system = message.role == Role::System && i > 0;
            if (message.role == Role::User || is_late_system) {
                // Two user turns in a row are one question; so is a system text between turns.
                user.append(has_user ? "\n\n" : "").append(message.content);
                has_user = true;
            } else if (message.role == Role::Assistant) {
                if (has_user || m_turn < 0) add_prompt(user);
                add_reply(message.content, is_trained_turn(m_sample, i, m_shape.train_on),
                          i + 1 < messages.size());
                user.clear();
                has_user = false;
            }
        }
        if (has_user) add_prompt(user);
        if (is_all) {
            for (TextPiece& piece : m_pieces) piece.is_trained = true;
        }
        return std::move(m_pieces);
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

    void add_prompt(std::string_view user) {
        ++m_turn;
        TurnFields fields = turn_fields(user);
        const bool is_first = m_turn == 0;
        if (m_shape.name == "alpaca" && is_first) {
            const bool has_both = !fields.instruction.empty() && !fields.input.empty();
            add_bits(alpaca_prompt(has_both), fields, false);
            return;
        }
        if (m_shape.name == "upaya" && is_first && fields.input.empty()) {
            // A row without input asks by its instruction: there is always an input part.
            std::swap(fields.instruction, fields.input);
        }
        if (m_shape.name == "percent_bfd" && is_first && fields.instruction.empty()) {
            std::swap(fields.instruction, fields.input);
        }
        add_bits(is_first ? m_shape.first_prompt : m_shape.later_prompt, fields, false);
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

    void add_bits(const std::vector<TemplateBit>& bits, const TurnFields& fields, bool is_trained) {
        for (const TemplateBit& bit : bits) {
            if (bit.is_optional && lacks_field(bits, bit.group, fields)) continue;
            TextPiece piece{bit.kind, bit.text, "template", is_trained, m_turn};
            piece.is_apart = bit.is_apart;
            if (bit.kind == PieceKind::Content) {
                piece.text = shown(fields[bit.text]);
                piece.part = bit.text == "prompt" ? "input" : bit.text;
                if (piece.text.empty()) continue;
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
    std::string_view m_system;
    int32_t m_turn = -1;
    std::vector<TextPiece> m_pieces;
};

/// The door of TemplateRenderer over a shape.
class ShapeRenderer final : public TemplateRenderer {
  public:
    explicit ShapeRenderer(TemplateShape shape) : m_shape(std::move(shape)) {}

    Result<std::vector<TextPiece>> render(const Sample& sample) const override {
        return Renderer(m_shape, sample).render();
    }

    Result<std::vector<TextPiece>> render_prompt(const Sample& sample) const override {
        std::vector<TextPiece> pieces = Renderer(m_shape, sample).render();
        const auto is_reply = [](const TextPiece& piece) { return piece.part == "response"; };
        const auto last = std::find_if(pieces.rbegin(), pieces.rend(), is_reply);
        if (last != pieces.rend()) pieces.erase(std::prev(last.base()), pieces.end());
        return pieces;
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
