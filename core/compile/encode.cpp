// Tokenizing rendered pieces, and cutting what is too long. Neighbours: chat_template.h, packed.h.
#include "core/compile/encode.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/data/text.h"

namespace dayrun::core {

/// Pieces that are tokenized as one text, or one special token.
struct Encoder::Stretch {
    std::string text;
    bool is_trained = false;
    std::optional<int32_t> id;  // of a special token
    bool is_continued = false;  // TextPiece::is_continued of its first piece
    bool is_behind_special = false;
};

EncodePolicy EncodePolicy::of(const Recipe& recipe, const DataSpec& source) {
    return {.sample_limit = recipe.sample_limit(),
            .max_prompt_tokens = recipe.tokens.max_prompt_tokens,
            .max_response_tokens = recipe.tokens.max_response_tokens,
            .too_long = source.too_long.value_or(recipe.tokens.too_long),
            .bos = recipe.tokens.bos};
}

Encoder::Encoder(const ChatTemplate& chat_template, const Tokenizer* tokenizer, EncodePolicy policy)
    : m_template(chat_template), m_tokenizer(tokenizer), m_policy(policy) {
    if (m_tokenizer == nullptr) return;
    const auto ids = m_tokenizer->encode("a", SpecialTokens::Plain);
    m_has_dummy_prefix = !ids.empty() && m_tokenizer->piece(ids.front()).starts_with("\u2581");
}

bool Encoder::adds_bos() const {
    return m_policy.bos == BosRule::Auto && m_tokenizer->adds_bos() && m_tokenizer->bos_id();
}

std::optional<int32_t> Encoder::stop_of(const TextPiece& piece) const {
    if (!piece.text.empty()) {
        if (const auto id = m_tokenizer->special_id(piece.text)) return id;
    }
    return m_tokenizer->eos_id();
}

std::optional<int32_t> Encoder::stop_id() const {
    Sample sample;
    sample.set_exchange("", "a", "b", "");
    const auto pieces = m_template.render(sample);
    if (!pieces.ok()) return m_tokenizer->eos_id();
    for (const TextPiece& piece : pieces->pieces) {
        if (piece.kind == PieceKind::Stop) return stop_of(piece);
    }
    return std::nullopt;
}

/// One place adds the BOS: not where the template has written it already.
bool Encoder::adds_bos(const std::vector<TextPiece>& pieces) const {
    const bool has_own = !pieces.empty() && pieces.front().kind == PieceKind::Special &&
                         m_tokenizer->special_id(pieces.front().text) == m_tokenizer->bos_id();
    return adds_bos() && !has_own;
}

/// bos: never takes the template's own BOS away too.
bool Encoder::is_left_out(const std::vector<TextPiece>& pieces, const TextPiece& piece) const {
    return m_policy.bos == BosRule::Never && &piece == &pieces.front() &&
           piece.kind == PieceKind::Special && m_tokenizer->bos_id() &&
           m_tokenizer->special_id(piece.text) == m_tokenizer->bos_id();
}

std::vector<int32_t> Encoder::ids_of(const Stretch& stretch) const {
    if (stretch.id) return {*stretch.id};
    if (!stretch.is_continued) return m_tokenizer->encode(stretch.text, SpecialTokens::Plain);
    return m_tokenizer->encode_inside(
        stretch.text, stretch.is_behind_special ? TextBefore::Special : TextBefore::Text);
}

std::vector<Encoder::Stretch> Encoder::stretches(const std::vector<TextPiece>& pieces) const {
    std::vector<Stretch> found;
    bool can_join = false;
    for (const TextPiece& piece : pieces) {
        const bool is_behind_special = &piece != &pieces.front() && !can_join;
        const bool is_stop = piece.kind == PieceKind::Stop;
        if (is_left_out(pieces, piece)) continue;
        std::optional<int32_t> id;
        if (is_stop) id = stop_of(piece);
        if (piece.kind == PieceKind::Special) id = m_tokenizer->special_id(piece.text);
        if (id || is_stop) {
            if (id) found.push_back({"", piece.is_trained, id});
            can_join = false;
            continue;
        }
        const bool adds_space = piece.has_leading_space && !m_has_dummy_prefix;
        std::string text = adds_space ? " " + piece.text : piece.text;
        const bool joins =
            can_join && !piece.is_apart && found.back().is_trained == piece.is_trained;
        if (joins) {
            found.back().text += text;
        } else {
            found.push_back({std::move(text), piece.is_trained, std::nullopt, piece.is_continued,
                             is_behind_special});
        }
        can_join = true;
    }
    return found;
}

void Encoder::append(const Stretch& stretch, TokenizedSample& out) const {
    for (const int32_t id : ids_of(stretch)) {
        out.tokens.push_back(id);
        out.labels.push_back(stretch.is_trained ? id : kIgnoreLabel);
    }
}

TokenizedSample Encoder::tokenize(const std::vector<TextPiece>& pieces) const {
    TokenizedSample out;
    if (adds_bos(pieces)) {
        out.tokens.push_back(*m_tokenizer->bos_id());
        out.labels.push_back(kIgnoreLabel);
    }
    for (const Stretch& stretch : stretches(pieces)) append(stretch, out);
    return out;
}

Result<std::vector<int32_t>> Encoder::encode_prompt(const Sample& sample) const {
    TRY(prompt, m_template.render_prompt(sample));
    if (!prompt.unfit.empty()) {
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("A prompt cannot be asked: {}.", prompt.unfit),
                     .hint = "Choose another prompt.template."};
    }
    return tokenize(prompt.pieces).tokens;
}

std::vector<TokenPart> Encoder::parts(const Sample& sample) const {
    std::vector<TokenPart> parts;
    if (!sample.token_ids.empty()) {
        return {{0, static_cast<int32_t>(sample.token_ids.size()), "token_ids", true}};
    }
    const auto rendered = m_template.render(sample);
    if (!rendered.ok()) return parts;
    const std::vector<TextPiece>& pieces = rendered->pieces;
    int32_t at = 0;
    if (adds_bos(pieces)) parts.push_back({0, at = 1, "bos", false});
    // The pieces are walked as tokenize() walks them, one more each time: a token across two pieces
    // belongs to the first, and a border is where the text so far ends when tokenized alone.
    std::vector<TextPiece> so_far;
    for (const TextPiece& piece : pieces) {
        so_far.push_back(piece);
        const int32_t begin = at;
        // Everything before the stretch that this piece belongs to keeps its tokens.
        at = std::max(begin, static_cast<int32_t>(tokenize(so_far).tokens.size()));
        if (at > begin) parts.push_back({begin, at, piece.part, piece.is_trained});
    }
    return parts;
}

bool Encoder::fits(const TokenizedSample& sample, const std::vector<TextPiece>& pieces) const {
    const auto count = static_cast<int64_t>(sample.tokens.size());
    if (count > m_policy.sample_limit) return false;
    if (!m_policy.max_prompt_tokens && !m_policy.max_response_tokens) return true;
    // Borders by tokenizing stretch by stretch, the way tokenize() does.
    TokenizedSample so_far;
    int64_t prompt_tokens = 0;
    const int64_t bos_tokens = adds_bos(pieces) ? 1 : 0;
    bool is_reply = false;
    size_t reply_begin = 0;
    for (const Stretch& stretch : stretches(pieces)) {
        if (stretch.is_trained && !is_reply) reply_begin = so_far.tokens.size();
        if (stretch.is_trained && !is_reply) {
            prompt_tokens = static_cast<int64_t>(so_far.tokens.size()) + bos_tokens;
        }
        is_reply = stretch.is_trained;
        append(stretch, so_far);
        const auto reply = static_cast<int64_t>(so_far.tokens.size() - reply_begin);
        if (is_reply && m_policy.max_response_tokens && reply > *m_policy.max_response_tokens) {
            return false;
        }
    }
    return !m_policy.max_prompt_tokens || prompt_tokens <= *m_policy.max_prompt_tokens;
}

EncodedSample Encoder::encode_ids(const Sample& sample) const {
    EncodedSample out;
    out.sample.tokens = sample.token_ids;
    out.sample.labels = sample.token_labels.empty() ? sample.token_ids : sample.token_labels;
    const auto length = static_cast<int64_t>(out.sample.tokens.size());
    if (length <= m_policy.sample_limit) return out;
    if (m_policy.too_long == TooLong::Drop || m_policy.too_long == TooLong::Split) {
        out.status = EncodeStatus::TooLong;
        return out;
    }
    const int64_t targets = out.sample.target_token_count();
    const auto cut_front = [&](std::vector<int32_t>& ids) {
        ids.erase(ids.begin(), ids.end() - m_policy.sample_limit);
    };
    if (m_policy.too_long == TooLong::KeepHead) {
        out.sample.tokens.resize(static_cast<size_t>(m_policy.sample_limit));
        out.sample.labels.resize(static_cast<size_t>(m_policy.sample_limit));
    } else {
        cut_front(out.sample.tokens);
        cut_front(out.sample.labels);
    }
    out.sample.truncated_tokens = length - m_policy.sample_limit;
    out.truncated_target_tokens = targets - out.sample.target_token_count();
    return out;
}

namespace {

/// Keeps the head or the tail of a text at a character's border.
std::string kept_text(const std::string& text, size_t bytes, TooLong rule) {
    if (bytes >= text.size()) return text;
    if (rule == TooLong::KeepHead) return text.substr(0, utf8_floor(text, bytes));
    size_t begin = text.size() - bytes;
    while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
    return text.substr(begin);
}

/// Takes an exchange out of a dialogue: the last one for keep_head, the first for keep_tail. False
/// when there is only one.
bool drop_messages(Sample& sample, TooLong rule) {
    const auto messages = sample.messages();
    std::vector<size_t> begins;
    for (size_t i = 0; i < messages.size(); ++i) {
        if (messages[i].role == Role::Assistant && !begins.empty()) continue;
        const bool is_head = i == 0 && messages[i].role == Role::System;
        const bool is_first = begins.empty() && !is_head;
        if (is_first || (i > 0 && messages[i - 1].role == Role::Assistant)) begins.push_back(i);
    }
    if (begins.size() < 2) return false;
    if (rule == TooLong::KeepHead) {
        sample.erase_messages(begins.back(), messages.size());
        return true;
    }
    sample.erase_messages(begins[0], begins[1]);
    return true;
}

/// The same for the fields too: what is left of a dialogue asks by the text of its turns alone.
bool drop_exchange(Sample& sample, TooLong rule) {
    if (!drop_messages(sample, rule)) return false;
    std::string question;
    for (size_t i = 0; i < sample.messages().size(); ++i) {
        const Message message = sample.messages()[i];
        if (message.role == Role::Assistant) break;
        if (i == 0 && message.role == Role::System) continue;
        question += question.empty() ? "" : "\n\n";
        question += message.content;
    }
    sample.set_field("instruction", "");
    sample.set_field("input", question);
    return true;
}

/// The pieces of the only turn that may be shortened, prompt first.
std::vector<size_t> cuttable(const std::vector<TextPiece>& pieces) {
    std::vector<size_t> prompts, replies;
    for (size_t i = 0; i < pieces.size(); ++i) {
        if (pieces[i].kind != PieceKind::Content || pieces[i].part == "system") continue;
        (pieces[i].part == "response" || pieces[i].part == "text" ? replies : prompts).push_back(i);
    }
    // The longest field of the prompt is the one that is too long.
    std::stable_sort(prompts.begin(), prompts.end(), [&](size_t a, size_t b) {
        return pieces[a].text.size() > pieces[b].text.size();
    });
    prompts.insert(prompts.end(), replies.begin(), replies.end());
    return prompts;
}

}  // namespace

EncodedSample Encoder::cut(const Sample& sample, const TokenizedSample& whole) const {
    EncodedSample out;
    Sample shorter = sample;
    std::vector<TextPiece> pieces;
    do {
        auto rendered = m_template.render(shorter);
        if (!rendered.ok()) break;
        pieces = std::move(rendered->pieces);
        out.sample = tokenize(pieces);
        if (!rendered->unfit.empty()) {
            return {.status = EncodeStatus::Unfit, .sample = whole, .reason = rendered->unfit};
        }
    } while (!fits(out.sample, pieces) && drop_exchange(shorter, m_policy.too_long));
    for (const size_t index : cuttable(pieces)) {
        if (fits(out.sample, pieces)) break;
        const std::string text = pieces[index].text;
        const bool is_reply = pieces[index].part == "response" || pieces[index].part == "text";
        if (is_reply && m_policy.too_long == TooLong::KeepHead) {
            // A reply cut short must not teach to stop there; its tail ends as it did.
            std::erase_if(pieces,
                          [](const TextPiece& piece) { return piece.kind == PieceKind::Stop; });
            out.sample.lost_stop_token = true;
        }
        // The longest text that fits, by halving; 0 characters when even that does not.
        size_t low = 0;
        size_t high = text.size();
        while (low < high) {
            const size_t middle = (low + high + 1) / 2;
            pieces[index].text = kept_text(text, middle, m_policy.too_long);
            if (fits(tokenize(pieces), pieces)) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        pieces[index].text = kept_text(text, low, m_policy.too_long);
        const bool lost = out.sample.lost_stop_token;
        out.sample = tokenize(pieces);
        out.sample.lost_stop_token = lost;
    }
    if (!fits(out.sample, pieces)) {
        out.sample = whole;
        out.status = EncodeStatus::TooLong;
        return out;
    }
    out.sample.truncated_tokens =
        static_cast<int64_t>(whole.tokens.size()) - static_cast<int64_t>(out.sample.tokens.size());
    out.truncated_target_tokens = whole.target_token_count() - out.sample.target_token_count();
    return out;
}

std::vector<EncodedSample> Encoder::split_text(const Sample&, const TokenizedSample& whole) const {
    const size_t bos = adds_bos() ? 1 : 0;
    const size_t window = static_cast<size_t>(m_policy.sample_limit) - bos;
    std::vector<EncodedSample> parts;
    for (size_t begin = bos; begin < whole.tokens.size(); begin += window) {
        const size_t end = std::min(begin + window, whole.tokens.size());
        EncodedSample part;
        for (size_t i = 0; i < bos; ++i) {
            part.sample.tokens.push_back(whole.tokens[i]);
            part.sample.labels.push_back(whole.labels[i]);
        }
        for (size_t i = begin; i < end; ++i) {
            part.sample.tokens.push_back(whole.tokens[i]);
            part.sample.labels.push_back(whole.labels[i]);
        }
        parts.push_back(std::move(part));
    }
    return parts;
}

std::string Encoder::why_nothing_is_trained(const Sample& sample) const {
    const auto is_reply = [](const Message& message) { return message.role == Role::Assistant; };
    const auto is_trained = [&](const Message& message) {
        return is_reply(message) && message.is_trained;
    };
    const auto messages = sample.messages();
    if (messages.empty()) return "the text is empty";
    if (std::none_of(messages.begin(), messages.end(), is_reply)) return "there is no reply";
    if (std::none_of(messages.begin(), messages.end(), is_trained)) {
        return "no reply is marked for training";
    }
    const auto rendered = m_template.render(sample);
    const bool is_shown =
        rendered.ok() && std::any_of(rendered->pieces.begin(), rendered->pieces.end(),
                                     [](const TextPiece& piece) { return piece.is_trained; });
    return is_shown ? "the reply is cut off" : std::string(kHiddenReply);
}

std::vector<EncodedSample> Encoder::encode(const Sample& sample) const {
    std::vector<EncodedSample> out;
    if (!sample.token_ids.empty()) {
        out.push_back(encode_ids(sample));
    } else {
        CHECK(m_tokenizer != nullptr);
        out = encode_text(sample);
    }
    for (EncodedSample& encoded : out) {
        encoded.sample.sample_id = sample.sample_id;
        encoded.sample.source_index = sample.source_index;
        encoded.sample.row_index = sample.row_index;
        // Finished ids are used row by row as they stand: leaving one out would shift every later
        // micro-batch against the trainer they are compared with.
        const bool is_text = sample.token_ids.empty();
        const bool is_trained = encoded.sample.target_token_count() > 0;
        if (encoded.status == EncodeStatus::Kept && is_text && !is_trained) {
            encoded.status = EncodeStatus::NothingTrained;
            encoded.reason = why_nothing_is_trained(sample);
        }
    }
    return out;
}

std::vector<EncodedSample> Encoder::encode_text(const Sample& sample) const {
    std::vector<EncodedSample> out;
    auto rendered = m_template.render(sample);
    if (!rendered.ok()) {
        out.push_back({.status = EncodeStatus::Refused, .reason = rendered.error().message});
        return out;
    }
    const std::vector<TextPiece>& pieces = rendered->pieces;
    TokenizedSample whole = tokenize(pieces);
    if (!rendered->unfit.empty()) {
        out.push_back({.status = EncodeStatus::Unfit,
                       .sample = std::move(whole),
                       .reason = std::move(rendered->unfit)});
        return out;
    }
    const bool is_text = sample.messages().empty();
    const bool cuts =
        m_policy.too_long == TooLong::KeepHead || m_policy.too_long == TooLong::KeepTail;
    if (fits(whole, pieces)) {
        out.push_back({.sample = std::move(whole)});
    } else if (is_text && m_policy.too_long == TooLong::Split && m_policy.sample_limit > 1) {
        out = split_text(sample, whole);
    } else if (cuts) {
        out.push_back(cut(sample, whole));
    } else {
        out.push_back({.status = EncodeStatus::TooLong, .sample = std::move(whole)});
    }
    return out;
}

}  // namespace dayrun::core
