// Body of template_check.h.
#include "core/templates/template_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/templates/chat_template.h"

namespace dayrun::core {

TemplateCheck check_template(const Recipe& recipe, const Tokenizer* tokenizer,
                             const Sample& sample) {
    TemplateCheck check;
    const auto failed = [&](Error error) {
        check.error = std::move(error);
        return check;
    };
    auto chat_template = ChatTemplate::make(recipe, tokenizer);
    if (!chat_template.ok()) return failed(std::move(chat_template).error());
    auto fields = chat_template->check_fields(sample);
    if (!fields.ok()) return failed(std::move(fields).error());
    auto rendered = chat_template->render(sample);
    if (!rendered.ok()) return failed(std::move(rendered).error());
    check.notes = chat_template->notes();
    if (!rendered->unfit.empty()) {
        check.notes.push_back("This sample is left out: " + rendered->unfit + ".");
    }
    bool has_stop = false;
    for (const TextPiece& piece : rendered->pieces) {
        TemplateSpan span{piece.text, piece.part, piece.is_trained};
        const bool is_stop = piece.kind == PieceKind::Stop;
        has_stop = has_stop || (is_stop && piece.is_trained);
        if (is_stop && span.text.empty() && tokenizer != nullptr && tokenizer->eos_id()) {
            span.text = tokenizer->piece(*tokenizer->eos_id());
        }
        if (piece.has_leading_space) span.text = fmt::format(" {}", span.text);
        const bool joins = !check.spans.empty() && piece.kind != PieceKind::Special && !is_stop &&
                           check.spans.back().part == span.part &&
                           check.spans.back().is_trained == span.is_trained;
        if (joins) {
            check.spans.back().text += span.text;
        } else {
            check.spans.push_back(std::move(span));
        }
    }
    const bool trains = std::any_of(check.spans.begin(), check.spans.end(),
                                    [](const TemplateSpan& span) { return span.is_trained; });
    if (!trains) check.notes.emplace_back("Nothing of this sample is trained.");
    if (trains && !has_stop) check.notes.emplace_back("No stop token is trained.");
    return check;
}

Sample example_sample() {
    Sample sample;
    sample.set_exchange("Add the numbers.", "1 and 2", "3", "");
    return sample;
}

}  // namespace dayrun::core
