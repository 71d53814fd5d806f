// Named templates as small tables of text, and the reader of text templates: both become the same
// Shape, so that there is one way to render. Neighbour: chat_template.h. Any thread.
#include "core/tokens/chat_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/hash.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

/// Rendering changed: old token caches no longer fit.
constexpr std::string_view kRenderVersion = "2";

/// A bit of a turn: words of the template, a special token, or a field.
struct Bit {
    PieceKind kind = PieceKind::Text;
    std::string text;          // of Content: the field's name
    bool is_optional = false;  // part of a [[ … ]]
    int group = 0;             // which [[ … ]]: it vanishes when a field in it is empty
    bool is_apart = false;
};

}  // namespace

struct ChatTemplate::Shape {
    std::string name;
    std::vector<Bit> system;        // when there is a system text; field `system`
    std::vector<Bit> first_prompt;  // fields of the sample
    std::vector<Bit> later_prompt;  // field `input` is the turn's text
    bool has_spaces_around_reply = false;
    std::string stop;              // special token's name; "" for the EOS
    std::vector<Bit> after_reply;  // between a reply's stop token and what follows
    bool puts_system_into_first_user = false;
    bool strips_content = false;
    bool uses_system_field = false;
    std::string system_text;  // default when the sample has none
    TrainOn train_on = TrainOn::Response;
    std::string fingerprint;
};

namespace {

using Shape = ChatTemplate::Shape;

Bit words(std::string text) {
    return {PieceKind::Text, std::move(text)};
}
Bit field(std::string name) {
    return {PieceKind::Content, std::move(name)};
}
Bit special(std::string name) {
    return {PieceKind::Special, std::move(name)};
}

bool is_field_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

Error bad_template(std::string_view text, std::string what) {
    return {.code = ErrorCode::BadRecipe,
            .message = fmt::format("The template '{}' cannot be read: {}.", text, what),
            .hint =
                "{field} is a field of the sample; a part in [[ … ]] is left out when a field "
                "in it is empty."};
}

/// "[[### Instruction:\n{instruction}\n\n]]### Input:\n{input}" as bits.
Result<std::vector<Bit>> read_bits(std::string_view text) {
    std::vector<Bit> bits;
    std::string literal;
    int group = 0;
    bool is_optional = false;
    const auto flush = [&] {
        if (!literal.empty()) bits.push_back({PieceKind::Text, literal, is_optional, group});
        literal.clear();
    };
    for (size_t i = 0; i < text.size();) {
        if (text.substr(i, 2) == "[[" || text.substr(i, 2) == "]]") {
            const bool opens = text[i] == '[';
            if (opens == is_optional) {
                return bad_template(text, opens ? "[[ stands inside [[" : "]] has no [[ before it");
            }
            flush();
            is_optional = opens;
            group += opens ? 1 : 0;
            i += 2;
            continue;
        }
        size_t end = i + 1;
        while (end < text.size() && is_field_character(text[end])) ++end;
        if (text[i] == '{' && end > i + 1 && end < text.size() && text[end] == '}') {
            flush();
            Bit bit{PieceKind::Content, std::string(text.substr(i + 1, end - i - 1)), is_optional,
                    group};
            bits.push_back(std::move(bit));
            i = end + 1;
            continue;
        }
        literal += text[i++];
    }
    if (is_optional) return bad_template(text, "[[ is not closed by ]]");
    flush();
    return bits;
}

std::vector<Bit> known_bits(std::string_view text) {
    return std::move(read_bits(text)).value();
}

Result<Shape> text_shape(const PromptSpec& spec) {
    Shape shape;
    TRY(bits, read_bits(spec.prompt_template));
    const auto is_response = [](const Bit& bit) {
        return bit.kind == PieceKind::Content && bit.text == "response";
    };
    const auto response = std::find_if(bits.begin(), bits.end(), is_response);
    if (response != bits.end()) {
        if (response->is_optional || response + 1 != bits.end()) {
            return bad_template(spec.prompt_template,
                                "{response} must stand at its end, outside [[ … ]], since the stop "
                                "token follows it");
        }
        bits.pop_back();
    }
    const auto has_field = [&](std::string_view name) {
        return std::any_of(bits.begin(), bits.end(), [&](const Bit& bit) {
            return bit.kind == PieceKind::Content && bit.text == name;
        });
    };
    if (bits.empty() || std::none_of(bits.begin(), bits.end(), [](const Bit& bit) {
            return bit.kind == PieceKind::Content;
        })) {
        return bad_template(spec.prompt_template,
                            fmt::format("it is neither one of {} nor a text with a {{field}} in it",
                                        fmt::join(template_names(), ", ")));
    }
    shape.uses_system_field = has_field("system");
    if (!spec.system.empty() && !shape.uses_system_field) {
        return bad_template(spec.prompt_template, "prompt.system is set but it has no {system}");
    }
    shape.first_prompt = bits;
    shape.later_prompt = std::move(bits);
    return shape;
}

Shape upaya_shape() {
    Shape shape;
    shape.system = {field("system"), words("\n\n")};
    shape.first_prompt =
        known_bits("[[### Instruction:\n{instruction}\n\n]]### Input:\n{input}\n\n### Response:\n");
    shape.later_prompt = shape.first_prompt;
    return shape;
}

Shape percent_bfd_shape() {
    Shape shape;
    shape.system_text =
        "A chat between a curious user and an artificial intelligence assistant. The assistant "
        "gives helpful, detailed, and polite answers to the user's questions.";
    // The winners' trainer encoded system text, line break and question each on its own.
    shape.system = {field("system"), words("\n")};
    shape.system.back().is_apart = true;
    shape.first_prompt = known_bits("Human: {instruction}[[\n{input}]]\nAssistant: ");
    shape.first_prompt.front().is_apart = true;
    shape.later_prompt = known_bits("Human: {input}\nAssistant: ");
    return shape;
}

Shape human_assistant_shape() {
    Shape shape;
    shape.system = {field("system"), words("\n")};
    shape.first_prompt = known_bits("Human: {prompt}\nAssistant: ");
    shape.later_prompt = shape.first_prompt;
    return shape;
}

Shape alpaca_shape() {
    Shape shape;
    shape.system = {field("system"), words("\n\n")};
    shape.later_prompt = known_bits("\n\n### Instruction:\n{input}\n\n### Response:\n");
    return shape;
}

Shape chatml_shape() {
    Shape shape;
    shape.system = {special("<|im_start|>"), words("system\n"), field("system"),
                    special("<|im_end|>"), words("\n")};
    shape.first_prompt = {special("<|im_start|>"), words("user\n"), field("prompt"),
                          special("<|im_end|>"),   words("\n"),     special("<|im_start|>"),
                          words("assistant\n")};
    shape.later_prompt = shape.first_prompt;
    shape.stop = "<|im_end|>";
    shape.after_reply = {words("\n")};
    return shape;
}

Shape llama2_shape() {
    Shape shape;
    shape.first_prompt = known_bits("[INST] [[<<SYS>>\n{system}\n<</SYS>>\n\n]]{prompt} [/INST]");
    shape.later_prompt = known_bits("[INST] {prompt} [/INST]");
    shape.later_prompt.insert(shape.later_prompt.begin(), special("<s>"));
    shape.has_spaces_around_reply = true;
    shape.strips_content = true;
    shape.uses_system_field = true;
    return shape;
}

Shape llama3_shape() {
    const auto header = [](const char* role) {
        return std::vector<Bit>{special("<|start_header_id|>"), words(role),
                                special("<|end_header_id|>"), words("\n\n")};
    };
    Shape shape;
    shape.system = header("system");
    shape.system.push_back(field("system"));
    shape.system.push_back(special("<|eot_id|>"));
    shape.first_prompt = header("user");
    shape.first_prompt.push_back(field("prompt"));
    shape.first_prompt.push_back(special("<|eot_id|>"));
    const auto reply = header("assistant");
    shape.first_prompt.insert(shape.first_prompt.end(), reply.begin(), reply.end());
    shape.later_prompt = shape.first_prompt;
    shape.stop = "<|eot_id|>";
    shape.strips_content = true;
    return shape;
}

Shape mistral_shape() {
    Shape shape;
    shape.first_prompt = known_bits("[INST] [[{system}\n\n]]{prompt} [/INST]");
    shape.later_prompt = known_bits("[INST] {prompt} [/INST]");
    shape.uses_system_field = true;
    return shape;
}

struct NamedShape {
    std::string_view name;
    Shape (*make)();
};
constexpr std::array<NamedShape, 8> kNamed{{{"upaya", upaya_shape},
                                            {"percent_bfd", percent_bfd_shape},
                                            {"human_assistant", human_assistant_shape},
                                            {"alpaca", alpaca_shape},
                                            {"chatml", chatml_shape},
                                            {"llama2", llama2_shape},
                                            {"llama3", llama3_shape},
                                            {"mistral", mistral_shape}}};

/// Alpaca's opening sentence tells whether there is an input.
std::vector<Bit> alpaca_prompt(bool has_input) {
    if (has_input) {
        return known_bits(
            "Below is an instruction that describes a task, paired with an input that provides "
            "further context. Write a response that appropriately completes the request.\n\n"
            "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n");
    }
    return known_bits(
        "Below is an instruction that describes a task. Write a response that appropriately "
        "completes the request.\n\n### Instruction:\n{prompt}\n\n### Response:\n");
}

/// The fields that one user turn shows.
using TurnFields = std::map<std::string, std::string>;

/// Writes the pieces of one sample.
class Renderer {
  public:
    Renderer(const Shape& shape, const Sample& sample) : m_shape(shape), m_sample(sample) {}

    std::vector<TextPiece> render() {
        if (m_sample.messages.empty()) return plain_text();
        const auto& messages = m_sample.messages;
        m_system =
            messages.front().role == Role::System ? messages.front().content : m_shape.system_text;
        if (!m_system.empty() && !m_shape.system.empty()) {
            m_turn = -1;
            add_bits(m_shape.system, {{"system", m_system}}, false);
        }
        m_turn = -1;
        const size_t last = last_trained();
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
                const bool is_trained =
                    is_all ||
                    (message.trained && (m_shape.train_on == TrainOn::Response || i == last));
                add_reply(message.content, is_trained, i + 1 < messages.size());
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
    std::vector<TextPiece> plain_text() {
        m_pieces.push_back({PieceKind::Content, m_sample.field("text"), "text", true, 0});
        m_pieces.push_back({PieceKind::Stop, "", "stop", true, 0});
        return std::move(m_pieces);
    }

    size_t last_trained() const {
        size_t last = m_sample.messages.size();
        for (size_t i = 0; i < m_sample.messages.size(); ++i) {
            if (m_sample.messages[i].trained) last = i;
        }
        return last;
    }

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

    void add_bits(const std::vector<Bit>& bits, const TurnFields& fields, bool is_trained) {
        const auto value = [&](const std::string& name) {
            const auto found = fields.find(name);
            return found == fields.end() ? std::string() : found->second;
        };
        for (const Bit& bit : bits) {
            if (bit.is_optional && has_empty_field(bits, bit.group, value)) continue;
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
    static bool has_empty_field(const std::vector<Bit>& bits, int group, const GetValue& value) {
        return std::any_of(bits.begin(), bits.end(), [&](const Bit& bit) {
            return bit.is_optional && bit.group == group && bit.kind == PieceKind::Content &&
                   is_blank(value(bit.text));
        });
    }

    const Shape& m_shape;
    const Sample& m_sample;
    std::string m_system;
    int32_t m_turn = -1;
    std::vector<TextPiece> m_pieces;
};

}  // namespace

ChatTemplate::ChatTemplate(std::unique_ptr<const Shape> shape) : m_shape(std::move(shape)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

std::vector<std::string> template_names() {
    std::vector<std::string> names;
    for (const NamedShape& named : kNamed) names.emplace_back(named.name);
    return names;
}

Result<ChatTemplate> ChatTemplate::make(const PromptSpec& spec) {
    if (spec.prompt_template == "model") {
        return Error{.code = ErrorCode::Unsupported,
                     .message =
                         "prompt.template: model is not available yet: the model's own "
                         "chat_template cannot be rendered.",
                     .hint = fmt::format("Choose one of {}, or write a text template.",
                                         fmt::join(template_names(), ", "))};
    }
    Shape shape;
    const auto named = std::find_if(kNamed.begin(), kNamed.end(), [&](const NamedShape& entry) {
        return entry.name == spec.prompt_template;
    });
    if (named != kNamed.end()) {
        shape = named->make();
        shape.name = spec.prompt_template;
    } else {
        TRY(read, text_shape(spec));
        shape = std::move(read);
    }
    if (!spec.system.empty()) shape.system_text = spec.system;
    shape.train_on = spec.train_on;
    Sha256 hash;
    hash.add_field(kRenderVersion);
    hash.add_field(spec.prompt_template);
    hash.add_field(spec.system);
    hash.add_field(std::to_string(static_cast<int>(spec.train_on)));
    shape.fingerprint = hash.hex();
    return ChatTemplate(std::make_unique<const Shape>(std::move(shape)));
}

std::vector<TextPiece> ChatTemplate::render(const Sample& sample) const {
    return Renderer(*m_shape, sample).render();
}

std::vector<TextPiece> ChatTemplate::render_prompt(const Sample& sample) const {
    std::vector<TextPiece> pieces = render(sample);
    const auto is_reply = [](const TextPiece& piece) { return piece.part == "response"; };
    const auto last = std::find_if(pieces.rbegin(), pieces.rend(), is_reply);
    if (last != pieces.rend()) pieces.erase(std::prev(last.base()), pieces.end());
    return pieces;
}

Result<void> ChatTemplate::check_fields(const Sample& sample) const {
    if (sample.messages.empty()) return {};
    for (const Bit& bit : m_shape->first_prompt) {
        const bool is_ours = bit.text == "prompt" || bit.text == "system";
        if (bit.kind != PieceKind::Content || is_ours || sample.fields.contains(bit.text)) continue;
        std::string names;
        for (const auto& [name, value] : sample.fields) names += " " + name;
        return Error{.code = ErrorCode::BadRecipe,
                     .message = fmt::format("The template uses {{{}}}, a field the samples do not "
                                            "have.",
                                            bit.text),
                     .hint = "Their fields are:" + names + "."};
    }
    return {};
}

const std::string& ChatTemplate::fingerprint() const {
    return m_shape->fingerprint;
}

}  // namespace dayrun::core
