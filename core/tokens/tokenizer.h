// Text <-> token ids, whatever file the vocabulary comes from. Any thread: encode and decode are
// const and hold no state. Neighbours: sentencepiece_tokenizer.cpp (and later BPE) implement it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

/// What text may turn into special ids.
enum class SpecialTokens {
    AddAndRecognise,  // BOS/EOS added by the model's own rule, specials in the text recognised
    Recognise,        // nothing added, specials in the text recognised
    Plain,            // nothing added, specials in the text are ordinary characters
};

class Tokenizer {
  public:
    virtual ~Tokenizer() = default;

    /// Ids of a text (valid UTF-8). `Plain` is what training data goes through.
    virtual std::vector<int32_t> encode(std::string_view text, SpecialTokens special) const = 0;
    /// Text of ids; control tokens vanish, unknown ids become "".
    virtual std::string decode(const std::vector<int32_t>& ids) const = 0;
    /// The same with control tokens written out ("</s>"), where the tokenizer can.
    virtual std::string decode_with_specials(const std::vector<int32_t>& ids) const {
        return decode(ids);
    }
    /// The printable piece of one id, for the token lens ("▁the", "<0x0A>", "</s>").
    virtual std::string piece(int32_t id) const = 0;

    /// Number of ids the tokenizer can produce or decode.
    virtual int32_t vocab_size() const = 0;
    virtual std::optional<int32_t> bos_id() const = 0;
    virtual std::optional<int32_t> eos_id() const = 0;
    /// Whether the model's own rule puts a BOS first (tokenizer_config.json add_bos_token).
    virtual bool adds_bos() const = 0;
    /// The id of a special token's text, if it is one ("<|im_end|>").
    virtual std::optional<int32_t> special_id(std::string_view text) const = 0;
    /// Hash over everything that changes ids; part of the token cache's key.
    virtual const std::string& fingerprint() const = 0;
};

/// Opens the tokenizer of a model folder, or a tokenizer file of any name.
Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::filesystem::path& folder_or_file);

}  // namespace dayrun::core
