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

/// A special or added token found in a text, with the white space that it swallows.
struct SpecialMatch {
    size_t begin = 0, end = 0;  // bytes
    int32_t id = -1;
    bool is_special = true;  // one that ends or opens something, not just an added word
};

/// What stands before a text inside a longer one.
enum class TextBefore { Special, Text };

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
    /// The special tokens in a text that may hold them (a template's own words), in order.
    virtual std::vector<SpecialMatch> find_specials(std::string_view /*text*/) const { return {}; }
    /// Ids of a text inside a longer one, `Plain`: without the space that the tokenizer puts at a
    /// text's start, where its own rule puts none there.
    virtual std::vector<int32_t> encode_inside(std::string_view text, TextBefore /*before*/) const {
        return encode(text, SpecialTokens::Plain);
    }
    /// Hash over everything that changes ids; part of the token cache's key.
    virtual const std::string& fingerprint() const = 0;
};

/// Opens the tokenizer of a model folder, or a tokenizer file of any name.
Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::filesystem::path& folder_or_file);

}  // namespace dayrun::core
