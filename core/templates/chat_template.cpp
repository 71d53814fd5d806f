// Which renderer a recipe's template gets. Neighbours: templates/ has one file a kind of template.
#include "core/templates/chat_template.h"

#include <fmt/format.h>

#include "core/base/hash.h"
#include "core/templates/model_template.h"
#include "core/templates/template_shape.h"

namespace dayrun::core {
namespace {

/// Rendering changed: old token caches no longer fit.
constexpr std::string_view kRenderVersion = "2";

std::string fingerprint_of(const PromptSpec& spec, std::string_view model_text) {
    Sha256 hash;
    hash.add_field(kRenderVersion);
    hash.add_field(spec.prompt_template);
    hash.add_field(spec.system);
    hash.add_field(std::to_string(static_cast<int>(spec.train_on)));
    if (!model_text.empty()) hash.add_field(model_text);
    return hash.hex();
}

}  // namespace

ChatTemplate::ChatTemplate(std::unique_ptr<const TemplateRenderer> renderer,
                           std::string fingerprint)
    : m_renderer(std::move(renderer)), m_fingerprint(std::move(fingerprint)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::make(const PromptSpec& spec) {
    if (spec.prompt_template == "model") {
        return Error{.code = ErrorCode::BadRecipe,
                     .message = "prompt.template: model needs a base model with a chat_template.",
                     .hint = fmt::format("Set base.path, or choose one of {}.",
                                         fmt::join(template_names(), ", "))};
    }
    TemplateShape shape;
    if (std::optional<TemplateShape> named = named_shape(spec.prompt_template)) {
        shape = std::move(*named);
    } else {
        TRY(read, text_shape(spec));
        shape = std::move(read);
    }
    if (!spec.system.empty()) shape.system_text = spec.system;
    shape.train_on = spec.train_on;
    return ChatTemplate(make_shape_renderer(std::move(shape)), fingerprint_of(spec, {}));
}

Result<ChatTemplate> ChatTemplate::make(const Recipe& recipe, const Tokenizer* tokenizer) {
    if (recipe.prompt.prompt_template != "model" || tokenizer == nullptr) {
        return make(recipe.prompt);
    }
    TRY(source, read_model_template(recipe.resolved(recipe.base.path)));
    const std::string fingerprint = fingerprint_of(recipe.prompt, source.fingerprint());
    TRY(renderer, make_model_renderer(source, recipe.prompt, *tokenizer));
    return ChatTemplate(std::move(renderer), fingerprint);
}

Result<RenderedSample> ChatTemplate::render(const Sample& sample) const {
    return m_renderer->render(sample);
}

Result<RenderedSample> ChatTemplate::render_prompt(const Sample& sample) const {
    return m_renderer->render_prompt(sample);
}

Result<void> ChatTemplate::check_fields(const Sample& sample) const {
    return m_renderer->check_fields(sample);
}

std::vector<TextPiece> plain_text_pieces(const Sample& sample) {
    std::vector<TextPiece> pieces;
    pieces.push_back({PieceKind::Content, std::string(sample.field("text")), "text", true, 0});
    pieces.push_back({PieceKind::Stop, "", "stop", true, 0});
    return pieces;
}

bool is_trained_turn(const Sample& sample, size_t message, TrainOn train_on) {
    const auto messages = sample.messages();
    if (train_on == TrainOn::All) return messages[message].mark != TrainMark::Off;
    if (!messages[message].is_trained) return false;
    if (train_on == TrainOn::Response) return true;
    for (size_t i = message + 1; i < messages.size(); ++i) {
        if (messages[i].is_trained) return false;
    }
    return true;
}

std::string unfit_marks(const Sample& sample, TrainOn train_on) {
    const auto messages = sample.messages();
    for (size_t i = 0; i < messages.size(); ++i) {
        const Message message = messages[i];
        if (message.role == Role::Assistant) continue;
        if (train_on != TrainOn::All) {
            if (message.mark == TrainMark::On)
                return "a mark asks to train a turn that is no reply";
            continue;
        }
        // Turns before one reply are one question: it is trained whole or not at all.
        const bool joins = i > 0 && messages[i - 1].role != Role::Assistant &&
                           (i > 1 || messages[0].role == Role::User);
        const bool is_off = message.mark == TrainMark::Off;
        if (joins && is_off != (messages[i - 1].mark == TrainMark::Off)) {
            return "a question of several turns of which only some are to be trained";
        }
    }
    return {};
}

}  // namespace dayrun::core
