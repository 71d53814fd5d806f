// A sample to token ids and labels: each masked or trained stretch of the template is tokenized on
// its own, so that the border between prompt and reply is exact (the rule of training, evaluation
// and chat alike; it also gives a reply its own dummy prefix, as the winners' trainer did).
// Neighbours: chat_template renders, token_cache keeps. Read-only after make(): any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/compile/packing/packed.h"
#include "core/data/sample.h"
#include "core/recipe/recipe.h"
#include "core/templates/chat_template.h"
#include "core/tokens/tokenizer.h"

namespace dayrun::core {

/// What the token policy of one source says.
struct EncodePolicy {
    int64_t sample_limit = 0;                  // tokens of a document, BOS and stop token included
    std::optional<int64_t> max_prompt_tokens;  // before the last reply
    std::optional<int64_t> max_response_tokens;  // of a reply with its stop token
    TooLong too_long = TooLong::Drop;
    BosRule bos = BosRule::Auto;

    static EncodePolicy of(const Recipe& recipe, const DataSpec& source);
};

enum class EncodeStatus : uint8_t {
    Kept,
    TooLong,
    NothingTrained,
    Refused,  // by the model's chat_template
    Unfit,    // it has a turn that the template does not show, or marks that cannot be followed
};

struct EncodedSample {
    EncodeStatus status = EncodeStatus::Kept;
    TokenizedSample sample = {};          // also of a dropped one: as long as it would have been
    int64_t truncated_target_tokens = 0;  // trained tokens among the truncated ones
    std::string reason = {};              // why it is Refused, Unfit or NothingTrained
};

/// Where a template's part lies in the tokens, for the token lens.
struct TokenPart {
    int32_t begin = 0, end = 0;
    std::string part;
    bool is_trained = false;
};

class Encoder {
  public:
    /// `tokenizer` may be null for token_ids alone. Both must outlive the encoder.
    Encoder(const ChatTemplate& chat_template, const Tokenizer* tokenizer, EncodePolicy policy);

    /// One sample gives one document; a plain text under `split` gives several. Cutting takes whole
    /// turns first (keep_head: from the end, keep_tail: from the start), then the text of the only
    /// turn left, never the template. A reply that was cut loses its stop token.
    std::vector<EncodedSample> encode(const Sample& sample) const;

    /// BOS by rule and everything up to the last reply, for generation. BadData when the template
    /// does not show all of it.
    Result<std::vector<int32_t>> encode_prompt(const Sample& sample) const;
    /// The parts behind encode()'s tokens when nothing was cut; none of a refused sample.
    std::vector<TokenPart> parts(const Sample& sample) const;
    /// Id that ends a reply: where generation stops.
    std::optional<int32_t> stop_id() const;

  private:
    struct Stretch;
    bool adds_bos() const;
    bool adds_bos(const std::vector<TextPiece>& pieces) const;
    bool is_left_out(const std::vector<TextPiece>& pieces, const TextPiece& piece) const;
    std::vector<int32_t> ids_of(const Stretch& stretch) const;
    TokenizedSample tokenize(const std::vector<TextPiece>& pieces) const;
    std::vector<Stretch> stretches(const std::vector<TextPiece>& pieces) const;
    void append(const Stretch& stretch, TokenizedSample& out) const;
    std::optional<int32_t> stop_of(const TextPiece& piece) const;
    bool fits(const TokenizedSample& sample, const std::vector<TextPiece>& pieces) const;
    EncodedSample encode_ids(const Sample& sample) const;
    std::vector<EncodedSample> encode_text(const Sample& sample) const;
    EncodedSample cut(const Sample& sample, const TokenizedSample& whole) const;
    std::string why_nothing_is_trained(const Sample& sample) const;
    std::vector<EncodedSample> split_text(const Sample& sample, const TokenizedSample& whole) const;

    const ChatTemplate& m_template;
    const Tokenizer* m_tokenizer;
    EncodePolicy m_policy;
    bool m_has_dummy_prefix = false;
};

}  // namespace dayrun::core
