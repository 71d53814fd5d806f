// The lens over samples and rows. Neighbour: token_lens.h. Any thread.
#include "core/compile/token_lens.h"

#include "core/compile/encode.h"

namespace dayrun::core {
namespace {

std::string piece_of(const Tokenizer* tokenizer, int32_t id) {
    return tokenizer == nullptr ? std::to_string(id) : tokenizer->piece(id);
}

void add_tokens(const std::vector<int32_t>& tokens, const std::vector<int32_t>& labels,
                const Tokenizer* tokenizer, int32_t document, LensView& view) {
    for (size_t i = 0; i < tokens.size(); ++i) {
        LensToken token;
        token.id = tokens[i];
        token.piece = piece_of(tokenizer, tokens[i]);
        token.is_trained = labels[i] != kIgnoreLabel;
        token.part = token.is_trained ? "trained" : "masked";
        token.document = document;
        token.position = static_cast<int32_t>(i);
        view.trained_tokens += token.is_trained && i > 0 ? 1 : 0;
        if (tokenizer != nullptr && tokenizer->bos_id() == token.id) ++view.bos_count;
        view.tokens.push_back(std::move(token));
    }
}

}  // namespace

Result<LensView> token_lens(const Sample& sample, const Recipe& recipe,
                            const Tokenizer* tokenizer) {
    if (sample.token_ids.empty() && tokenizer == nullptr) {
        return Error{.code = ErrorCode::BadTokenizer,
                     .message = "There is no tokenizer to show this sample's tokens.",
                     .hint = "Choose a base model whose folder has one."};
    }
    TRY(chat_template, ChatTemplate::make(recipe, tokenizer));
    TRY_VOID(chat_template.check_fields(sample));
    DataSpec spec;
    if (sample.source_index < recipe.data.size()) spec = recipe.data[sample.source_index];
    const Encoder encoder(chat_template, tokenizer, EncodePolicy::of(recipe, spec));
    LensView view;
    int32_t document = 0;
    for (const EncodedSample& encoded : encoder.encode(sample)) {
        add_tokens(encoded.sample.tokens, encoded.sample.labels, tokenizer, document++, view);
        view.truncated_tokens += encoded.sample.truncated_tokens;
        view.lost_stop_token = view.lost_stop_token || encoded.sample.lost_stop_token;
        if (encoded.status == EncodeStatus::TooLong) view.dropped_because = "too long";
        if (encoded.status == EncodeStatus::NothingTrained) {
            view.dropped_because = "nothing to train: " + encoded.reason;
        }
        if (encoded.status == EncodeStatus::Unfit) view.dropped_because = encoded.reason;
        if (encoded.status == EncodeStatus::Refused) {
            view.dropped_because = "the model's chat_template refuses it: " + encoded.reason;
        }
    }
    // Of a sample that was cut only trained and masked are known for sure.
    if (view.truncated_tokens > 0 || document > 1) return view;
    for (const TokenPart& part : encoder.parts(sample)) {
        for (int32_t i = part.begin; i < part.end; ++i) {
            if (static_cast<size_t>(i) < view.tokens.size()) {
                view.tokens[static_cast<size_t>(i)].part = part.part;
            }
        }
    }
    return view;
}

LensView token_lens(const PackedRow& row, const Tokenizer* tokenizer) {
    LensView view;
    int32_t document = 0;
    for (const DocumentSpan& span : row.documents) {
        const std::vector<int32_t> tokens(row.tokens.begin() + span.begin,
                                          row.tokens.begin() + span.end);
        const std::vector<int32_t> labels(row.labels.begin() + span.begin,
                                          row.labels.begin() + span.end);
        add_tokens(tokens, labels, tokenizer, document++, view);
    }
    return view;
}

}  // namespace dayrun::core
