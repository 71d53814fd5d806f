// A sample by a shape: turn by turn, each piece marked by its place. Neighbours: template_shape.h,
// chat_template.h. Read-only: any thread.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/data/text.h"
#include "core/tokens/templates/template_shape.h"

namespace dayrun::core {
namespace {

/// The fields that one user turn shows.
using TurnFields = std::map<std::string, std::string>;

/// Writes the pieces of one sample.
class Renderer {
  public:
    Renderer(const TemplateShape& shape, const Sample& sample) : m_shape(shape), m_sample(sample) {}

    std::vector<TextPiece> render() {
        if (m_sample.messages.empty()) return plain_text_pieces(m_sample);
        const auto& messages = m_sample.messages;
        m_system =
            messages.front().role == Role::System ? messages.front().content : m_shape.system_text;
        if (!m_system.empty() && !m_shape.system.empty()) {
            m_turn = -1;
            add_bits(m_shape.system, {{"system", m_system}}, false);
        }
        m_turn = -1;
        const bool is_all = m_shape.train_on == TrainOn::All;
        std::string user;
        bool has_user = false;
        for (size_t i = 0; i < messages.size(); ++i) {
            const Message& message = messages[i];
            const bool is_late_system = message.role == Role::System && i > 0;
            if (message.role == Role::User || is_late_system) {
                // Two user turns in a row are one question; so is a system text between turns.
                user += (has_user ? "\n\n" : "") + message.content;
                has_user = true;
            } else if (message.role == Role::Assistant) {
                if (has_user || m_turn < 0) add_prompt(user, has_user);
                add_reply(message.content, is_trained_turn(m_sample, i, m_shape.train_on),
                          i + 1 < messages.size());
                user.clear();
                has_user = false;
            }
        }
        if (has_user) add_prompt(user, true);
        if (is_all) {
            for (TextPiece& piece : m_pieces) piece.is_trained = true;
        }
        return std::move(m_pieces);
    }

  private:
    /// A single exchange made of instruction and input is shown by its fields; a turn of a dialogue
    /// is all `input`.
    TurnFields turn_fields(const std::string& user) const {
        TurnFields fields;
        const std::string& instruction = m_sample.field("instruction");
        const std::string& input = m_sample.field("input");
        const bool is_first = m_turn == 0;
        const size_t replies = static_cast<size_t>(
            std::count_if(m_sample.messages.begin(), m_sample.messages.end(),
                          [](const Message& m) { return m.role == Role::Assistant; }));
        if (is_first) {
            fields = m_sample.fields;
            fields.erase("response");
        }
        if (!is_first || replies > 1) {
            fields["instruction"] = "";
            fields["input"] = user;
        } else {
            fields["instruction"] = instruction;
            fields["input"] = input;
        }
        fields["prompt"] = user;
        fields["system"] = is_first ? m_system : std::string();
        return fields;
    }

    void add_prompt(const std::string& user, bool has_user) {
        ++m_turn;
        TurnFields fields = turn_fields(has_user ? user : std::string());
        const bool is_first = m_turn == 0;
        if (m_shape.name == "alpaca" && is_first) {
            const bool has_both = !fields["instruction"].empty() && !fields["input"].empty();
            add_bits(alpaca_prompt(has_both), fields, false);
            return;
        }
        if (m_shape.name == "upaya" && is_first && fields["input"].empty()) {
            // A row without input asks by its instruction: there is always an input part.
            std::swap(fields["instruction"], fields["input"]);
        }
        if (m_shape.name == "percent_bfd" && is_first && fields["instruction"].empty()) {
            std::swap(fields["instruction"], fields["input"]);
        }
        add_bits(is_first ? m_shape.first_prompt : m_shape.later_prompt, fields, false);
    }

    void add_reply(const std::string& content, bool is_trained, bool has_more) {
        TextPiece reply{PieceKind::Content, shown(content), "response", is_trained, m_turn};
        reply.has_leading_space = m_shape.has_spaces_around_reply;
        if (m_shape.has_spaces_around_reply) reply.text += ' ';
        m_pieces.push_back(std::move(reply));
        m_pieces.push_back({PieceKind::Stop, m_shape.stop, "stop", is_trained, m_turn});
        if (has_more) add_bits(m_shape.after_reply, {}, false);
    }

    std::string shown(const std::string& content) const {
        return m_shape.strips_content ? std::string(trim(content)) : content;
    }

    void add_bits(const std::vector<TemplateBit>& bits, const TurnFields& fields, bool is_trained) {
        const auto value = [&](const std::string& name) {
            const auto found = fields.find(name);
            return found == fields.end() ? std::string() : found->second;
        };
        for (const TemplateBit& bit : bits) {
            if (bit.is_optional && lacks_field(bits, bit.group, value)) continue;
            TextPiece piece{bit.kind, bit.text, "template", is_trained, m_turn};
            piece.is_apart = bit.is_apart;
            if (bit.kind == PieceKind::Content) {
                piece.text = shown(value(bit.text));
                piece.part = bit.text == "prompt" ? "input" : bit.text;
                if (piece.text.empty()) continue;
            }
            m_pieces.push_back(std::move(piece));
        }
    }

    template <typename GetValue>
    bool lacks_field(const std::vector<TemplateBit>& bits, int group, const GetValue& value) const {
        return std::any_of(bits.begin(), bits.end(), [&](const TemplateBit& bit) {
            return bit.is_optional && bit.group == group && bit.kind == PieceKind::Content &&
                   (m_shape.keeps_blank_fields ? value(bit.text).empty()
                                               : is_blank(value(bit.text)));
        });
    }

    const TemplateShape& m_shape;
    const Sample& m_sample;
    std::string m_system;
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
        if (sample.messages.empty()) return {};
        for (const TemplateBit& bit : m_shape.first_prompt) {
            const bool is_ours = bit.text == "prompt" || bit.text == "system";
            if (bit.kind != PieceKind::Content || is_ours || sample.fields.contains(bit.text)) {
                continue;
            }
            std::string names;
            for (const auto& [name, value] : sample.fields) names += " " + name;
            return Error{.code = ErrorCode::BadRecipe,
                         .message = fmt::format("The template uses {{{}}}, a field the samples do "
                                                "not have.",
                                                bit.text),
                         .hint = "Their fields are:" + names + "."};
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
